import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { plainNorms, tfjsHistory } from '../../bench/plain-scores.js';
import { changeWeights, weightsOf } from '../../bench/vgg-weights.js';
import { createHistory, norms } from '../../lib/native.js';

// Else it praises its other backends.
tf.env().set('IS_TEST', true);

const DIMS = [6, 4, 3, 3];

test('a history in tfjs comes to the same as ours', async () => {
  const [history, plain, data] = [createHistory(DIMS, 0), tfjsHistory(tf, DIMS), weightsOf(DIMS)];
  for (let epoch = 0; epoch < 3; epoch++) {
    changeWeights(data, epoch);
    await history.record(data);
    const weights = plain.place(data);
    plain.record(weights);
    weights.dispose();
  }
  for (const [channel, norm] of plain.l1().entries()) expect(norm).toBeCloseTo(history.l1()[channel] ?? 0, 3);
  const { first, second } = await history.topPairs(4);
  expect([...plain.topPairs(4)]).toEqual(Array.from(first, (one, at) => one * 6 + (second[at] ?? 0)));
});

test('norms in a loop come to the same as ours', async () => {
  const data = weightsOf(DIMS);
  const expected = await norms(data, DIMS, 0, 'l1');
  for (const [channel, norm] of plainNorms(data, DIMS).entries()) expect(norm).toBeCloseTo(expected[channel] ?? 0, 6);
});
