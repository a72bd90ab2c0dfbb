import { expect, test } from '@jest/globals';
import { checkOperator, int, ints, manyCases, prepare } from './harness.js';
import { randomPool } from './random-cases.js';

test.each(['MaxPool', 'AveragePool'] as const)('%s agrees with ONNX Runtime', async (op) => {
  for (const axes of [1, 2])
    for (const one of manyCases(20, `${op} ${axes}`, (random) => randomPool(random, op, axes)))
      await checkOperator(one);
});

test('SqueezeNet’s ceil_mode and ResNet’s padded pool', async () => {
  for (const extent of [5, 6, 13, 27])
    for (const attributes of [{ ceil_mode: int(1) }, { pads: ints(1, 1, 1, 1) }])
      await checkOperator({
        op: 'MaxPool',
        attributes: { kernel_shape: ints(3, 3), strides: ints(2, 2), ...attributes },
        inputs: [{ dims: [2, 3, extent, extent], low: -3, high: -1 }],
        step: 1e-3,
      });
});

test.each(['GlobalAveragePool', 'GlobalMaxPool'])('%s agrees with ONNX Runtime', async (op) => {
  for (const dims of [
    [2, 3, 5],
    [1, 4, 3, 3],
    [2, 1, 1, 1],
    [2, 2, 3, 2, 2],
  ])
    await checkOperator({ op, inputs: [{ dims }], step: 1e-3 });
});

test('a window larger than its input is refused', () => {
  const attributes = { kernel_shape: ints(3, 3) };
  expect(() => prepare({ op: 'MaxPool', attributes, inputs: [{ dims: [1, 1, 2, 2] }] })).toThrow('does not fit');
});
