/** Intervals for what is measured: proportions and medians. */

export interface Proportion {
  value: number;
  /** 95 % confidence interval. */
  low: number;
  high: number;
  n: number;
}

/** The two-sided 95 % quantile of the normal distribution. */
const Z = 1.959963984540054;

/** A proportion with its 95 % interval by Wilson's score method (Wilson 1927), sound for small n and values near 0 or 1. */
export function proportion(successes: number, n: number): Proportion {
  if (n === 0) return { value: Number.NaN, low: 0, high: 1, n };
  const value = successes / n;
  const centre = (value + (Z * Z) / (2 * n)) / (1 + (Z * Z) / n);
  const half = (Z / (1 + (Z * Z) / n)) * Math.sqrt((value * (1 - value)) / n + (Z * Z) / (4 * n * n));
  return { value, low: Math.max(0, centre - half), high: Math.min(1, centre + half), n };
}

export interface Timing {
  median: number;
  p95: number;
  /** 95 % confidence interval of the median, from order statistics. */
  low: number;
  high: number;
  runs: number;
}

/** The median of timings in milliseconds, its 95 % interval (binomial order statistics) and the 95th percentile. */
export function timing(milliseconds: readonly number[]): Timing {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const n = sorted.length;
  const at = (index: number) => sorted[Math.min(n - 1, Math.max(0, index))] ?? Number.NaN;
  const half = (Z * Math.sqrt(n)) / 2;
  return {
    median: n % 2 === 1 ? at((n - 1) / 2) : (at(n / 2 - 1) + at(n / 2)) / 2,
    p95: at(Math.ceil(0.95 * n) - 1),
    low: at(Math.floor(n / 2 - half) - 1),
    high: at(Math.ceil(n / 2 + half)),
    runs: n,
  };
}
