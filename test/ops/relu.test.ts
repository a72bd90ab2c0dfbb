import { test } from '@jest/globals';
import { checkOperator } from './harness.js';

test.each([[[3]], [[2, 5, 3]], [[2, 3, 4, 5]], [[0, 3]]])('Relu of %j agrees with ONNX Runtime', async (dims) => {
  await checkOperator({ op: 'Relu', inputs: [{ dims }] });
});
