import { expect, test } from '@jest/globals';
import type { Measured } from '../../bench/case.js';
import { reportSchema } from '../../bench/report.js';
import { rowOf } from '../../bench/row.js';
import { reportOf } from './reports.js';

const about = { name: 'norms', rivalName: 'a loop', unit: 'ms', better: 'lower' } as const;

function measured(values: number[], peaks: (number | null)[]): Measured[] {
  return values.map((value, at) => ({ value, peakBytes: peaks[at] ?? null }));
}

test('medians, quartiles, ratios of the pairs and peaks', () => {
  const row = rowOf(about, measured([10, 20, 40], [100, 300, 200]), measured([20, 60, 40], [500, 400, 9000]));
  expect(row).toEqual({
    ...about,
    ...{ ours: 20, rival: 40 },
    intervals: { ours: { low: 15, high: 30 }, rival: { low: 30, high: 50 } },
    ...{ ratio: 2, low: 1.5, high: 2.5 },
    peakBytes: { ours: 200, rival: 500 },
    memoryRatio: 2.5,
  });
  expect(reportSchema.parse(JSON.parse(JSON.stringify(reportOf([row])))).rows).toEqual([row]);
});

test('where more is better, the ratio is ours by the rival', () => {
  const row = rowOf({ ...about, better: 'higher' }, measured([10, 20], [null]), measured([5, 5], [null]));
  expect(row).toMatchObject({ ratio: 3, memoryRatio: null, peakBytes: { ours: null, rival: null } });
});

test('without a rival, the own interval and memory stay', () => {
  expect(rowOf(about, measured([10, 20, 40], [100, 300, 200]), [])).toMatchObject({
    ...{ ours: 20, rival: null, ratio: null, low: null, high: null, memoryRatio: null },
    intervals: { ours: { low: 15, high: 30 }, rival: null },
    peakBytes: { ours: 200, rival: null },
  });
});

test('one trial claims no interval', () => {
  expect(rowOf(about, measured([10], [100]), measured([20], [100]))).toMatchObject({
    ...{ ours: 10, rival: 20, ratio: 2, low: null, high: null },
    intervals: { ours: null, rival: null },
  });
});

test('a process that could not tell its memory is left out of the peak', () => {
  const row = rowOf(about, measured([1, 1, 1], [100, null, 300]), measured([1, 1, 1], [null, null, 400]));
  expect(row).toMatchObject({ peakBytes: { ours: 200, rival: 400 }, memoryRatio: 2 });
});
