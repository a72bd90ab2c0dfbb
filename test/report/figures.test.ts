import { expect, test } from '@jest/globals';
import { short, speedSentences, trainingName } from '../../lib/report/figures.js';

const timed = (median: number, low: number, high: number) => {
  const timing = { median, low, high, p95: high, runs: 10 };
  return { latency: { batch1: timing, batch32: timing } };
};

test('a gain in speed is claimed only where the intervals are apart', () => {
  const before = timed(10, 9, 11);
  const names = { first: 'the first', second: 'the second' };
  expect(speedSentences(before, timed(5, 4, 6))).toEqual([
    'At batch 1 the result is 2.00× faster than the fine-tuned original in ONNX Runtime.',
    'At batch 32 the result is 2.00× faster than the fine-tuned original in ONNX Runtime.',
  ]);
  expect(speedSentences(before, timed(9, 8, 10), names)[0]).toMatch(/no difference in speed .*\(1\.11×/);
  expect(speedSentences(before, timed(20, 19, 21), names)[1]).toBe(
    'At batch 32 the second is slower than the first (0.50× its speed).',
  );
});

test('figures are short, names are words', () => {
  expect([0, 12, 999, 1500, 1234567, 2.5e9, 0.5].map((value) => short(value))).toEqual([
    ...['0', '12', '999', '1.50 k', '1.23 M', '2.50 G', '0.500'],
  ]);
  expect(['baseline', 'prune-0', 'else'].map(trainingName)).toEqual(['original', 'pruning, step 1', 'else']);
});
