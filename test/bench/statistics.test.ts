import { expect, test } from '@jest/globals';
import { overlap, quantile, quartiles } from '../../bench/statistics.js';

test('quantiles are those of numpy', () => {
  const values = [3.1, 1.2, 4.7, 1.9, 5.5, 9.3, 2.6];
  const shares = [0, 0.25, 0.5, 0.75, 0.9, 1];
  const expected = [1.2, 2.25, 3.1, 5.1, 7.02, 9.3];
  for (const [at, share] of shares.entries()) expect(quantile(values, share)).toBeCloseTo(expected[at] ?? 0, 12);
  expect(values[0]).toBe(3.1);
  expect(quantile([7], 0.25)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
});

test('a single value has no interval', () => {
  expect(quartiles([])).toBeNull();
  expect(quartiles([5])).toBeNull();
  expect(quartiles([3, 1])).toEqual({ low: 1.5, high: 2.5 });
});

test.each([
  [{ low: 1, high: 2 }, { low: 3, high: 4 }, false],
  [{ low: 1, high: 3 }, { low: 3, high: 4 }, true],
  [{ low: 1, high: 9 }, { low: 3, high: 4 }, true],
])('%j and %j overlap: %s', (one, other, expected) => {
  expect(overlap(one, other)).toBe(expected);
  expect(overlap(other, one)).toBe(expected);
});
