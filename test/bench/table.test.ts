import { expect, test } from '@jest/globals';
import { markdown, table } from '../../bench/table.js';
import { newRow, oldRow, reportOf } from './reports.js';

const alone = newRow({
  ...{ name: 'demo', unit: 's', rivalName: 'none', rival: null, ratio: null, low: null, high: null, memoryRatio: null },
  intervals: { ours: { low: 9, high: 11 }, rival: null },
  peakBytes: { ours: 90_500_000, rival: null },
});
const REPORT = reportOf([
  newRow(),
  alone,
  oldRow({ name: 'old' }),
  newRow({ name: 'one trial', low: null, high: null }),
]);

test('intervals beside the values, memory of both sides', () => {
  expect(table(REPORT).split('\n')).toEqual([
    'scoring: AMD EPYC, 2 cores, load 1.25',
    "           tascnet         rival                    better by       peak memory / rival's",
    'norms      10 ms (9 – 11)  30 ms (28 – 33)  a loop  3× (2.5 – 3.5)  152 / 304 MB, 2×',
    'demo       10 s (9 – 11)   not measured     none                    90.5 MB',
    'old        10 ms           30 ms            a loop  3× (2.5 – 3.5)  2×',
    'one trial  10 ms (9 – 11)  30 ms (28 – 33)  a loop  3×              152 / 304 MB, 2×',
  ]);
});

test('a narrow terminal leaves the intervals of the values out', () => {
  expect(table(REPORT, 80).split('\n')[2]).toMatch(/^norms {6}10 ms {4}30 ms {9}a loop/);
  const width = Math.max(
    ...table(REPORT)
      .split('\n')
      .map((line) => line.length),
  );
  expect(table(REPORT, width)).toBe(table(REPORT));
  expect(table(REPORT, width - 1)).toBe(table(REPORT, 80));
});

test('a side whose memory is unknown', () => {
  const row = newRow({ peakBytes: { ours: null, rival: 304_000_000 }, memoryRatio: null });
  expect(table(reportOf([row]))).toMatch(/ {2}unknown \/ 304 MB$/);
});

test('the table of the README is the same for old and new reports', () => {
  const about = '**scoring** (AMD EPYC, 2 cores, load 1.25 before, 5 trials, 2026-11-28)';
  const expected = [
    about,
    '',
    '|  | tascnet | rival |  | better by | less memory |',
    '| --- | --- | --- | --- | --- | --- |',
    '| norms | 10 ms | 30 ms | a loop | 3× (2.5 – 3.5) | 2× |',
  ].join('\n');
  expect(markdown([reportOf([oldRow()])])).toBe(expected);
  expect(markdown([reportOf([newRow()]), reportOf([oldRow()])])).toBe(`${expected}\n\n${expected}`);
});
