import { expect, test } from '@jest/globals';
import { withFreeBatch, withInputLength, withInputSize } from '../../lib/analyze/input-size.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import { float32, int64 } from '../../lib/graph/tensor.js';
import { graphBuilder } from '../models/builder.js';
import { FAMILIES } from '../models/families.js';
import { textCnn } from '../models/modern-families.js';
import { randomInput, relativeError, runModel } from '../models/runtime.js';

const fixed = { batch: 1 } as const;

test('a fixed batch becomes a symbol; each sample gives what it gave alone', async () => {
  const b = graphBuilder('shuffle');
  let x = b.relu(b.conv(b.input([3, 8, 8], fixed), 8, { pad: 1 }));
  x = b.reshape(x, [1, 2, 4, 8, 8], 2);
  x = b.node('Transpose', [x], { perm: [0, 2, 1, 3, 4] }, { channels: 4 });
  x = b.reshape(x, [1, -1, 8, 8], 8);
  x = b.node('Resize', [x, '', '', b.constant('sizes', int64([4], [1, 8, 4, 4]))], { mode: 'nearest' });
  x = b.node('Expand', [x, b.constant('same', int64([4], [1, 8, 4, 4]))]);
  const graph = b.build(b.gemm(b.reshape(x, [1, -1], 128), 5));
  const free = withFreeBatch(graph);
  expect(free.inputs[0]?.dims).toEqual(['N', 3, 8, 8]);
  expect(free.outputs[0]?.dims).toEqual(['N', 5]);
  const data = randomInput([2, 3, 8, 8], 1);
  const [both] = Object.values(await runModel(encodeOnnx(free), { inputs: { input: { dims: [2, 3, 8, 8], data } } }));
  for (const sample of [0, 1]) {
    const input = { dims: [1, 3, 8, 8], data: data.slice(sample * 192, sample * 192 + 192) };
    const [alone] = Object.values(await runModel(encodeOnnx(graph), { inputs: { input } }));
    const rows = both?.data.slice(sample * 5, sample * 5 + 5);
    expect(relativeError(rows ?? new Float32Array(), alone?.data ?? new Float32Array())).toBeLessThan(1e-5);
  }
  expect(withFreeBatch(free)).toBe(free);
});

test('nodes that compute along the batch are named', () => {
  const along = (op: string, attributes: Record<string, number | number[]>) => {
    const b = graphBuilder('along');
    return b.build(b.node(op, [b.input([4], fixed)], attributes, { name: 'culprit' }));
  };
  for (const graph of [
    along('Softmax', { axis: 0 }),
    along('Flatten', { axis: 0 }),
    along('ArgMax', { axis: 0 }),
    along('Mystery', {}),
  ])
    expect(() => withFreeBatch(graph)).toThrow(/batch size of this model is fixed.*"culprit"/);
  const b = graphBuilder('token');
  const token = b.constant('token', float32([1, 4], [1, 2, 3, 4]));
  const graph = b.build(b.node('Concat', [b.input([4], fixed), token], { axis: 1 }, { name: 'culprit' }));
  expect(() => withFreeBatch(graph)).toThrow(/"culprit"/);
});

test('fully convolutional families take another image size, and compute what ONNX Runtime computes', async () => {
  for (const name of ['resnet18', 'mobilenetV2', 'squeezenet', 'efficientnetB0']) {
    const graph = FAMILIES[name]?.({ width: 0.125, size: 64, classes: 4 });
    if (!graph) throw new Error(name);
    const sized = withInputSize(graph, [96, 80]);
    expect(sized.inputs[0]?.dims).toEqual(['N', 3, 96, 80]);
    const [output] = Object.values(await runModel(encodeOnnx(sized)));
    expect(output?.dims).toEqual([2, 4]);
  }
});

test('a pool over the whole map stays one; a channel shuffle follows', async () => {
  const b = graphBuilder('pooled');
  let x = b.conv(b.input([3, 8, 8]), 8, { pad: 1 });
  x = b.reshape(x, [0, 2, 4, 8, 8], 2);
  x = b.node('Transpose', [x], { perm: [0, 2, 1, 3, 4] }, { channels: 4 });
  x = b.reshape(x, [-1, 8, 8, 8], 8);
  const graph = b.build(b.gemm(b.flatten(b.averagePool(x, { kernel: 8 })), 3));
  const sized = withInputSize(graph, [12, 10]);
  expect(sized.nodes.map(({ op }) => op)).toContain('GlobalAveragePool');
  const [output] = Object.values(await runModel(encodeOnnx(sized)));
  expect(output?.dims).toEqual([2, 3]);
  expect(withInputSize(graph, [8, 8])).toBe(graph);
});

test('a layer bound to the old size is named', () => {
  const b = graphBuilder('positions');
  const graph = b.build(
    b.node('Add', [b.input([3, 64, 64]), b.parameter('places', [1, 3, 64, 64])], {}, { name: 'add' }),
  );
  expect(() => withInputSize(graph, [96, 96])).toThrow(/images of 96×96 in place of 64×64: Add "add"/);
  const text = graphBuilder('text');
  const sequence = text.build(text.gemm(text.input([7]), 2));
  expect(() => withInputSize(sequence, [96, 96])).toThrow(/one input of shape \[batch, channels, height, width\]/);
});

test('a text network made for 20 tokens takes 30, and is then the one made for these', async () => {
  const inputs = { tokens: { dims: [3, 30], data: randomInput([3, 30], 5) } };
  const [ours] = Object.values(await runModel(encodeOnnx(withInputLength(textCnn(), 30)), { inputs }));
  const [theirs] = Object.values(await runModel(encodeOnnx(textCnn({}, 30)), { inputs }));
  expect(ours?.dims).toEqual([3, 3]);
  expect(relativeError(ours?.data ?? new Float32Array(), theirs?.data ?? new Float32Array())).toBeLessThan(1e-6);
  const same = textCnn();
  expect(withInputLength(same, 20)).toBe(same);
});

test('texts that are too short for a window, and models without token ids, are refused in words', () => {
  expect(() => withInputLength(textCnn(), 3)).toThrow(/cannot take 3 tokens in place of 20: .*window of 4/);
  const b = graphBuilder('image');
  expect(() => withInputLength(b.build(b.relu(b.input([3, 8, 8]))), 3)).toThrow(/\[batch, tokens\]/);
});
