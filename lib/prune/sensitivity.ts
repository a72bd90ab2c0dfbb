/**
 * How much the loss rises when half of one dependency group's channels go, all other groups being whole: measured once, it
 * makes the scores of different groups comparable for any target (sensitivity analysis; Li et al. 2017, section 3.2).
 */

import type { Group } from '../analyze/groups.js';

export interface Sensitivity {
  /** The group's name. */
  id: string;
  channels: number;
  /** How many were removed: those with the lowest scores. */
  removed: number;
  /** By how much the loss rose; below 0 where it fell. */
  rise: number;
}

/** The channels with the lowest scores, half of them, one at least stays. */
export function lowestHalf(score: Float64Array): number[] {
  const order = [...score.keys()].sort((a, b) => (score[a] ?? 0) - (score[b] ?? 0) || a - b);
  return order.slice(0, Math.floor(score.length / 2));
}

/** A rise that is this small a part of the largest cannot be told from none. */
const LEAST = 1e-3;

/**
 * Scores scaled so that those of the lowest half of a group add up to its measured rise of the loss. A group that was not
 * measured gets the mean scale of the others.
 */
export function scaledBySensitivity(
  groups: readonly Group[],
  scores: readonly Float64Array[],
  sensitivity: readonly Sensitivity[],
): Float64Array[] {
  const rises = new Map(sensitivity.map(({ id, rise }) => [id, rise]));
  const least = LEAST * Math.max(...rises.values(), 0);
  if (least <= 0) return [...scores];
  const scales = groups.map(({ id }, number) => {
    const rise = rises.get(id);
    const score = scores[number] ?? new Float64Array();
    const half = lowestHalf(score).reduce((sum, channel) => sum + (score[channel] ?? 0), 0);
    return rise === undefined || half <= 0 ? undefined : Math.max(rise, least) / half;
  });
  const known = scales.filter((scale) => scale !== undefined);
  const mean = known.reduce((sum, scale) => sum + scale, 0) / Math.max(1, known.length);
  return scores.map((score, number) => score.map((value) => value * (scales[number] ?? mean)));
}
