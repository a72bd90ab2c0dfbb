import { expect, test } from '@jest/globals';
import { nonFinite, requireFinite } from '../../lib/analyze/finite.js';
import { float32, int64 } from '../../lib/graph/tensor.js';
import { graphBuilder } from '../models/builder.js';

test('weights that are NaN or infinite are counted', () => {
  const b = graphBuilder('weights');
  const graph = b.build(b.conv(b.input([4, 5, 5]), 1, { kernel: 1, name: 'conv' }));
  expect(nonFinite(graph)).toEqual([]);
  const bad = Float32Array.of(1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
  graph.initializers.set('conv.weight', float32([1, 4, 1, 1], bad));
  graph.initializers.set('large', float32([2], Float32Array.of(3e38, 3e38)));
  expect(nonFinite(graph)).toEqual([{ tensor: 'conv.weight', count: 3 }]);
  // A weight that is computed with before it is read, and weights of nothing but infinities.
  graph.initializers.set('standardized', float32([3], Float32Array.of(1, Number.POSITIVE_INFINITY, 2)));
  expect(nonFinite(graph)).toEqual([
    { tensor: 'conv.weight', count: 3 },
    { tensor: 'standardized', count: 1 },
  ]);
  graph.initializers.delete('standardized');
  graph.initializers.set('conv.bias', float32([1], Float32Array.of(Number.NEGATIVE_INFINITY)));
  expect(nonFinite(graph)).toContainEqual({ tensor: 'conv.bias', count: 1 });
  expect(() => requireFinite(graph, 'm.onnx')).toThrow('m.onnx: weight "conv.weight" has 3 values that are NaN');
});

test('infinities are at home in constants: the border of a maximum', () => {
  const b = graphBuilder('border');
  const least = b.constant('least', float32([], [Number.NEGATIVE_INFINITY]));
  const pads = b.constant('pads', int64([8], [0, 0, 1, 1, 0, 0, 1, 1]));
  const graph = b.build(b.node('Pad', [b.conv(b.input([4, 5, 5]), 2), pads, least]));
  requireFinite(graph, 'm.onnx');
  graph.initializers.set('least', float32([], [Number.NaN]));
  expect(nonFinite(graph)).toEqual([{ tensor: 'least', count: 1 }]);
});
