/** What a few measurements say. */

/** The quartiles: few trials permit no wider claim. */
export interface Interval {
  low: number;
  high: number;
}

/** Of a sorted copy, interpolated between neighbours. @param share 0 … 1. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [below = 0, above = 0] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at - Math.floor(at));
}

export function middle(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Null for a single value, which does not tell how far others would lie from it. */
export function quartiles(values: readonly number[]): Interval | null {
  return values.length < 2 ? null : { low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

export function overlap(one: Interval, other: Interval): boolean {
  return one.low <= other.high && other.low <= one.high;
}
