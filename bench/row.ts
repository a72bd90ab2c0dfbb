/** A row of a report, from the measurements of both sides. */

import type { Comparison, Measured } from './case.js';
import type { Row } from './report.js';
import { middle, quartiles } from './statistics.js';

function valuesOf(side: readonly Measured[]): number[] {
  return side.map(({ value }) => value);
}

/** Null where no process of that side could tell. */
function peakOf(side: readonly Measured[]): number | null {
  const peaks = side.flatMap(({ peakBytes }) => peakBytes ?? []);
  return peaks.length > 0 ? middle(peaks) : null;
}

/** @param rivals one for each of ours, in the order of the trials; none where the rival was not measured */
export function rowOf(
  { name, rivalName, unit, better }: Pick<Comparison, 'name' | 'rivalName' | 'unit' | 'better'>,
  ours: readonly Measured[],
  rivals: readonly Measured[],
): Row {
  const ratios = rivals.map(({ value }, trial) => {
    const mine = ours[trial]?.value ?? Number.NaN;
    return better === 'lower' ? value / mine : mine / value;
  });
  const { low = null, high = null } = quartiles(ratios) ?? {};
  const peakBytes = { ours: peakOf(ours), rival: peakOf(rivals) };
  return {
    name,
    rivalName,
    unit,
    better,
    ours: middle(valuesOf(ours)),
    rival: rivals.length > 0 ? middle(valuesOf(rivals)) : null,
    intervals: { ours: quartiles(valuesOf(ours)), rival: quartiles(valuesOf(rivals)) },
    ratio: ratios.length > 0 ? middle(ratios) : null,
    low,
    high,
    peakBytes,
    memoryRatio: peakBytes.ours && peakBytes.rival ? peakBytes.rival / peakBytes.ours : null,
  };
}
