import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { float32 } from '../../lib/graph/tensor.js';
import { flatten } from '../../lib/ops/flatten.js';
import { checkOperator, float, int, prepare } from './harness.js';
import { runOnEngine } from './run-on-engine.js';

test('Flatten agrees with ONNX Runtime at every axis', async () => {
  for (const dims of [[5], [2, 3], [2, 3, 4], [2, 3, 4, 2]])
    for (let axis = -dims.length; axis <= dims.length; axis++)
      await checkOperator({ op: 'Flatten', attributes: { axis: int(axis) }, inputs: [{ dims }] });
});

test('Flatten keeps the symbol of the batch', () => {
  const { node } = prepare({ op: 'Flatten', inputs: [{ dims: [1, 3, 2, 2] }] });
  const infer = (dims: (number | string)[]) =>
    flatten.infer({ node, opset: 18, inputs: [{ dtype: 'float32', dims }], unknown: () => '?' })[0]?.dims;
  expect(infer(['N', 3, 2, 2])).toEqual(['N', 12]);
  expect(infer(['N', 3, 'H', 2])).toEqual(['N', '6*H']);
});

test('Identity and Dropout in inference agree with ONNX Runtime', async () => {
  for (const dims of [[3], [2, 3, 4, 2]]) {
    await checkOperator({ op: 'Identity', inputs: [{ dims }] });
    await checkOperator({ op: 'Dropout', inputs: [{ dims }, float32([], [0.4])] });
    await checkOperator({ op: 'Dropout', outputs: 2, inputs: [{ dims }] });
  }
});

test('Dropout in training keeps the expected share, scaled, and is told by its seed', () => {
  const prepared = prepare({
    op: 'Dropout',
    opset: 11,
    attributes: { ratio: float(0.25) },
    inputs: [{ dims: [100, 100] }],
  });
  const run = (seed: number) =>
    tf.tidy(() => {
      const [y] = runOnEngine(prepared, [tf.ones([100, 100])], { activations: 'plain', training: true, seed });
      return [...(y?.dataSync() ?? [])];
    });
  const first = run(7);
  expect([...new Set(first.map((x) => x.toFixed(4)))].sort()).toEqual(['0.0000', '1.3333']);
  expect(first.filter((x) => x > 0).length / first.length).toBeCloseTo(0.75, 1);
  expect(run(7)).toEqual(first);
  expect(run(8)).not.toEqual(first);
});
