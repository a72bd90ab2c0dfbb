import { test } from '@jest/globals';
import { checkOperator, ints, manyCases, string } from './harness.js';
import { randomTransposed } from './random-cases.js';

test('transposed convolutions agree with ONNX Runtime', async () => {
  for (const axes of [1, 2])
    for (const one of manyCases(20, `transposed ${axes}`, (random) => randomTransposed(random, axes)))
      await checkOperator(one);
});

test('output_shape decides the padding', async () => {
  for (const output of [
    [9, 9],
    [10, 11],
    [8, 10],
  ])
    for (const pad of ['NOTSET', 'SAME_UPPER', 'SAME_LOWER'])
      await checkOperator({
        op: 'ConvTranspose',
        attributes: { strides: ints(2, 2), output_shape: ints(...output), auto_pad: string(pad) },
        inputs: [{ dims: [1, 2, 5, 5] }, { dims: [2, 3, 3, 3] }],
      });
});
