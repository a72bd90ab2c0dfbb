import { test } from '@jest/globals';
import { checkOperator, int } from './harness.js';

test.each(['Softmax', 'LogSoftmax'])('%s agrees with ONNX Runtime along every axis', async (op) => {
  for (const dims of [[4], [2, 5], [2, 3, 4], [2, 3, 4, 2]]) {
    await checkOperator({ op, inputs: [{ dims, low: -5, high: 5 }] });
    for (const axis of dims.keys())
      for (const from of [0, dims.length])
        await checkOperator({ op, attributes: { axis: int(axis - from) }, inputs: [{ dims, low: -5, high: 5 }] });
  }
});

test('large logits do not overflow', async () => {
  await checkOperator({ op: 'Softmax', inputs: [{ dims: [2, 5], low: 500, high: 1000 }], gradients: false });
});
