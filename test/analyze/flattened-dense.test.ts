/**
 * A dense layer on a flattened map, at another image size, against what it gives in ONNX Runtime on the map brought back to
 * its old size: by ONNX's own Resize where it has become smaller, by averaging where it has become larger.
 */

import { expect, test } from '@jest/globals';
import { withInputSize } from '../../lib/analyze/input-size.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { int64 } from '../../lib/graph/tensor.js';
import { graphBuilder, type Value } from '../models/builder.js';
import { randomInput, relativeError, runModel } from '../models/runtime.js';

type Builder = ReturnType<typeof graphBuilder>;

interface Form {
  /** From a map [N, 6, 8, 8] (or what it is brought back to) to [N, 384]. */
  flatten: (b: Builder, map: Value) => Value;
  dense: (b: Builder, flat: Value) => Value;
}

const reshape = (target: number[]) => (b: Builder, map: Value) =>
  b.node('Reshape', [map, b.constant('target', int64([target.length], target))], {}, { channels: 384 });
const gemm: Form['dense'] = (b, flat) => b.gemm(flat, 5, { name: 'fc' });
const matMul: Form['dense'] = (b, flat) =>
  b.node('MatMul', [flat, b.parameter('fc.weight', [384, 5])], {}, { channels: 5 });

const FORMS: Record<string, Form> = {
  flattened: { flatten: (b, map) => b.flatten(map, 64), dense: gemm },
  'reshaped to the extent as exported': { flatten: reshape([-1, 384]), dense: gemm },
  'reshaped to any extent, activation between': { flatten: reshape([0, -1]), dense: (b, x) => gemm(b, b.relu(x)) },
  'a product with the inputs first': { flatten: (b, map) => b.flatten(map, 64), dense: matMul },
  'channels last': {
    flatten: (b, map) => b.flatten(b.node('Transpose', [map], { perm: [0, 2, 3, 1] }, { channels: 6 }), 64),
    dense: matMul,
  },
};

/** @param back applied to the map before it is flattened. */
function network(
  { flatten, dense }: Form,
  size: number,
  back: (b: Builder, map: Value) => Value = (_, map) => map,
): Graph {
  const b = graphBuilder('flat', { seed: 3 });
  const map = b.relu(b.conv(b.input([3, size, size]), 6, { kernel: 3, stride: 2, pad: 1 }));
  return b.build(dense(b, flatten(b, back(b, map))));
}

const toEight = (b: Builder, map: Value) =>
  b.node('Resize', [map, '', '', b.constant('sizes', int64([4], [2, 6, 8, 8]))], {
    mode: 'linear',
    coordinate_transformation_mode: 'half_pixel',
  });
const halved = (b: Builder, map: Value) => b.node('AveragePool', [map], { kernel_shape: [2, 2], strides: [2, 2] });

test.each(Object.entries(FORMS))('%s', async (_, form) => {
  const original = network(form, 16);
  for (const [size, back] of [
    [10, toEight],
    [6, toEight],
    [32, halved],
  ] as const) {
    const dims = [2, 3, size, size];
    const inputs = { input: { dims, data: randomInput(dims, size) } };
    const [ours] = Object.values(await runModel(encodeOnnx(withInputSize(original, [size, size])), { inputs }));
    const [theirs] = Object.values(await runModel(encodeOnnx(network(form, size, back)), { inputs }));
    expect(ours?.dims).toEqual([2, 5]);
    expect(relativeError(ours?.data ?? new Float32Array(), theirs?.data ?? new Float32Array())).toBeLessThan(1e-5);
  }
});
