import { expect, test } from '@jest/globals';
import { compareReports } from '../../bench/comparison.js';
import { comparisonTable } from '../../bench/comparison-table.js';
import type { Row } from '../../bench/report.js';
import { newRow, oldRow, reportOf } from './reports.js';

const interval = (low: number, high: number) => ({ intervals: { ours: { low, high }, rival: null } });

function changeOf(before: Row, now: Row) {
  return compareReports(reportOf([now]), [reportOf([before])], 'old.json').changes[0];
}

test('the change is above 1 where it is better, whichever way that is', () => {
  const [slow, fast] = [newRow({ ours: 20 }), newRow({ ours: 10 })];
  expect(changeOf(slow, fast)?.ratio).toBe(2);
  expect(changeOf(fast, slow)?.ratio).toBe(0.5);
  expect(changeOf({ ...slow, better: 'higher' }, { ...fast, better: 'higher' })?.ratio).toBe(0.5);
});

test('whether it is better says the row of now: old ones may not', () => {
  expect(changeOf(oldRow({ ours: 20 }), newRow({ better: 'higher', ours: 10 }))?.ratio).toBe(0.5);
  expect(changeOf(newRow({ better: 'higher', ours: 20 }), oldRow({ ours: 10 }))?.ratio).toBe(0.5);
  expect(changeOf(oldRow(), oldRow())?.ratio).toBeNull();
});

test('values of nothing leave no ratio', () => {
  expect(changeOf(newRow({ ours: 0 }), newRow())?.ratio).toBeNull();
  expect(changeOf(newRow(), newRow({ ours: 0 }))?.ratio).toBeNull();
});

test('intervals overlap, lie apart, or are not known', () => {
  expect(changeOf(newRow(interval(8, 10)), newRow(interval(9, 12)))?.overlap).toBe(true);
  expect(changeOf(newRow(interval(8, 10)), newRow(interval(11, 12)))?.overlap).toBe(false);
  expect(changeOf(oldRow(), newRow(interval(11, 12)))?.overlap).toBeNull();
  expect(changeOf(newRow(interval(8, 10)), newRow({ intervals: { ours: null, rival: null } }))?.overlap).toBeNull();
});

test('rows are the same by name, rival and unit; of several the last counts; others are named', () => {
  const now = reportOf([newRow(), newRow({ rivalName: 'PyTorch' }), newRow({ unit: 's' })]);
  const before = [
    reportOf([newRow({ ours: 77 }), newRow({ name: 'lamp' })], { processor: 'an old one' }),
    reportOf([newRow({ ours: 88 })]),
  ];
  const { changes, onlyBefore, onlyNow } = compareReports(now, before, 'old.json');
  expect(changes).toEqual([
    {
      ...{ name: 'norms', rivalName: 'a loop', unit: 'ms', ratio: 8.8, overlap: true },
      before: { value: 88, interval: { low: 9, high: 11 }, peakBytes: 152_000_000 },
      now: { value: 10, interval: { low: 9, high: 11 }, peakBytes: 152_000_000 },
    },
  ]);
  expect(onlyBefore).toEqual([{ name: 'lamp', rivalName: 'a loop', unit: 'ms' }]);
  expect(onlyNow).toEqual([
    { name: 'norms', rivalName: 'PyTorch', unit: 'ms' },
    { name: 'norms', rivalName: 'a loop', unit: 's' },
  ]);
});

test('names of the prototype are names like others', () => {
  const row = newRow({ name: '__proto__', rivalName: 'constructor' });
  expect(changeOf(row, row)?.ratio).toBe(1);
});

test('another processor is told, of reports that were compared with', () => {
  const now = reportOf([newRow()]);
  const before = (processor: string) => reportOf([newRow()], { processor });
  expect(compareReports(now, [before('AMD EPYC')], '').otherProcessors).toEqual([]);
  expect(compareReports(now, [before('another')], '').otherProcessors).toEqual(['another']);
  expect(compareReports(now, [before('another'), before('AMD EPYC')], '').otherProcessors).toEqual([]);
});

test('as a person reads it', () => {
  const memory = { name: 'memory', unit: 'MB', ours: 300 };
  const now = reportOf([
    newRow({ ours: 12.5, ...interval(12, 13) }),
    newRow({ name: 'rate', unit: 'GB/s', better: 'higher', ours: 12.5 }),
    newRow(memory),
    newRow({ name: 'same', ours: 10.001 }),
    newRow({ name: 'young' }),
  ]);
  const before = reportOf(
    [
      newRow({ peakBytes: { ours: 1_660_000_000, rival: null } }),
      oldRow({ name: 'rate', unit: 'GB/s' }),
      newRow({ ...memory, ours: 600 }),
      newRow({ name: 'same' }),
      newRow({ name: 'gone' }),
    ],
    { processor: 'Xeon' },
  );
  expect(comparisonTable(compareReports(now, [before], 'old.json'), 'AMD EPYC')).toBe(
    [
      'against old.json:',
      'The machines differ: before it was Xeon, now it is AMD EPYC.',
      '        rival   before           now                 change        intervals  peak memory',
      'norms   a loop  10 ms (9 – 11)   12.5 ms (12 – 13)   1.25× slower  apart      1660 → 152 MB',
      'rate    a loop  10 GB/s          12.5 GB/s (9 – 11)  1.25× faster  unknown',
      'memory  a loop  600 MB (9 – 11)  300 MB (9 – 11)     2× less       overlap    152 → 152 MB',
      'same    a loop  10 ms (9 – 11)   10 ms (9 – 11)      as before     overlap    152 → 152 MB',
      'only before: gone (ms; rival: a loop)',
      'only now: young (ms; rival: a loop)',
    ].join('\n'),
  );
});

test('where nothing is the same, there are no columns', () => {
  const comparison = compareReports(reportOf([newRow()]), [], 'old.json');
  expect(comparisonTable(comparison, 'AMD EPYC')).toBe('against old.json:\nonly now: norms (ms; rival: a loop)');
});
