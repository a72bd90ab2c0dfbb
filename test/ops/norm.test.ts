import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { float32, numbersOf } from '../../lib/graph/tensor.js';
import { checkOperator, expectClose, float, int, onnxRuntime, prepare } from './harness.js';
import { runOnEngine } from './run-on-engine.js';

const SHAPES = [
  [3, 4],
  [2, 3, 5],
  [2, 4, 3, 2],
  [1, 1, 2, 2],
  [2, 5, 1, 1],
];

test.each(SHAPES.map((dims) => [dims]))('BatchNormalization of %j agrees with ONNX Runtime', async (dims) => {
  const vector = { dims: [dims[1] ?? 1] };
  for (const epsilon of [1e-5, 1e-2])
    await checkOperator({
      op: 'BatchNormalization',
      attributes: { epsilon: float(epsilon) },
      inputs: [{ dims }, vector, vector, vector, { ...vector, low: 0.2, high: 2 }],
    });
});

test.each(SHAPES.slice(0, 3).map((dims) => [dims]))(
  'batch statistics of %j, their gradients and the running ones agree with ONNX Runtime',
  async (dims) => {
    const vector = { dims: [dims[1] ?? 1] };
    await checkOperator({
      op: 'BatchNormalization',
      attributes: { training_mode: int(1), momentum: float(0.7) },
      outputs: 3,
      inputs: [{ dims }, vector, vector, vector, { ...vector, low: 0.2, high: 2 }],
      step: 0.01,
    });
  },
);

test('in training the buffers become the running statistics of ONNX', async () => {
  const vector = { dims: [3] };
  const inputs = [{ dims: [4, 3, 2, 2] }, vector, vector, vector, { ...vector, low: 0.2, high: 2 }];
  const reference = prepare({
    op: 'BatchNormalization',
    attributes: { training_mode: int(1) },
    outputs: 3,
    inputs,
  });
  const prepared = prepare({ op: 'BatchNormalization', inputs });
  const [y, mean, variance] = await (await onnxRuntime(reference))(prepared.tensors);
  tf.tidy(() => {
    const buffers = new Map<number, ArrayLike<number>>();
    const tensors = [...prepared.tensors.values()].map((tensor) => tf.tensor(numbersOf(tensor), tensor.dims));
    const [result] = runOnEngine(prepared, tensors, {
      activations: 'channelsLast',
      training: true,
      updateBuffer: (input, value) => buffers.set(input, value.dataSync()),
    });
    expectClose(result?.dataSync() ?? [], y ? numbersOf(y) : [], 1e-5, 'output');
    expectClose(buffers.get(3) ?? [], mean ? numbersOf(mean) : [], 1e-5, 'running mean');
    expectClose(buffers.get(4) ?? [], variance ? numbersOf(variance) : [], 1e-5, 'running variance');
  });
});

test.each([
  [[2, 5], -1, [5]],
  [[2, 3, 4], -1, [4]],
  [[2, 3, 4], 1, [3, 4]],
  [[2, 3, 4, 2], 2, [4, 2]],
  [[2, 3, 4, 2], -1, [2]],
  [[2, 3, 4], 2, [1]],
])('LayerNormalization of %j from axis %i on agrees with ONNX Runtime', async (dims, axis, scale) => {
  for (const outputs of [1, 3])
    for (const bias of [[], [{ dims: scale }]])
      await checkOperator({
        op: 'LayerNormalization',
        attributes: { axis: int(axis), epsilon: float(1e-3) },
        inputs: [{ dims }, { dims: scale }, ...bias],
        outputs,
        step: 0.01,
      });
});

test.each([[[2, 3, 5]], [[2, 4, 3, 2]], [[1, 1, 4, 4]], [[2, 2, 2, 3, 2]]])(
  'InstanceNormalization of %j agrees with ONNX Runtime',
  async (dims) => {
    const vector = { dims: [dims[1] ?? 1] };
    await checkOperator({
      op: 'InstanceNormalization',
      attributes: { epsilon: float(1e-3) },
      inputs: [{ dims }, vector, vector],
      step: 0.01,
    });
  },
);

test.each([
  [[2, 6, 4], 3],
  [[2, 4, 3, 2], 2],
  [[1, 4, 3, 3], 4],
  [[2, 3, 2, 2], 1],
])('GroupNormalization of %j in %i groups agrees with ONNX Runtime', async (dims, groups) => {
  for (const opset of [18, 21]) {
    const vector = { dims: [opset < 21 ? groups : (dims[1] ?? 1)] };
    await checkOperator({
      op: 'GroupNormalization',
      opset,
      attributes: { num_groups: int(groups), epsilon: float(1e-3) },
      inputs: [{ dims }, vector, vector],
      step: 0.01,
    });
  }
});

test('a norm whose vectors do not fit is refused', () => {
  const x = float32([1, 2, 1, 1], [1, 2]);
  const vector = { dims: [3] };
  expect(() => prepare({ op: 'BatchNormalization', inputs: [x, vector, vector, vector, vector] })).toThrow('[2] was');
  expect(() => prepare({ op: 'InstanceNormalization', inputs: [x, vector, vector] })).toThrow('[2] was expected');
});
