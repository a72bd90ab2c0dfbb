/** Reports for the tests of the benchmarks. */

import type { Report, Row } from '../../bench/report.js';

/** As they were stored before intervals of values and absolute memory were. */
export function oldRow(row: Partial<Row> = {}): Row {
  return {
    ...{ name: 'norms', rivalName: 'a loop', unit: 'ms', ours: 10, rival: 30 },
    ...{ ratio: 3, low: 2.5, high: 3.5, memoryRatio: 2 },
    ...row,
  };
}

export function newRow(row: Partial<Row> = {}): Row {
  return oldRow({
    better: 'lower',
    intervals: { ours: { low: 9, high: 11 }, rival: { low: 28, high: 33 } },
    peakBytes: { ours: 152_000_000, rival: 304_000_000 },
    ...row,
  });
}

export function reportOf(rows: Row[], { name = 'scoring', processor = 'AMD EPYC' } = {}): Report {
  return {
    case: name,
    date: '2026-11-28',
    trials: 5,
    machine: {
      ...{ processor, cores: 2, memoryGiB: 24, system: 'linux', node: 'v20.20.2' },
      ...{ simd: 'avx512', threads: 2, loadAverage: 1.25 },
    },
    rows,
  };
}
