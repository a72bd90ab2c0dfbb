/** What a method of search answers: which point is worth trying next. */

import type { RandomGenerator } from '../graph/random.js';
import { enumerate, keyOfPoint, type Point, pointAt, type Space } from './space.js';

export interface Trial {
  /** Trials are numbered from 0 in the order in which they are asked for. */
  number: number;
  point: Point;
  /** What was found, larger is better; undefined while the trial runs and when it failed. */
  value?: number | undefined;
  /** Why there is no value. */
  failed?: string | undefined;
  /** Quantities that must not exceed 0, such as MACs / ceiling − 1; all trials of a study report equally many. */
  constraints?: readonly number[] | undefined;
}

export interface SamplerContext {
  space: Space;
  /** Trials with a value, and those that failed. */
  finished: readonly Trial[];
  /** Trials that were asked for and run. */
  pending: readonly Trial[];
  /** Seeds the whole study. */
  seed: number;
  /** The number of the trial to be proposed. */
  number: number;
  /** Trials before the sampler goes by what it has learnt. */
  startTrials: number;
}

/**
 * Proposes points that no trial has had, the most promising first; none when there are no more. The same for the same
 * context: nothing is kept between calls.
 */
export type Sampler = (context: SamplerContext) => Point[];

/** Spaces of no more points than this are looked at point by point. */
export const FEW_POINTS = 2000;

/** Whether some trial has had a point. */
export function seenPoints({ space, finished, pending }: SamplerContext): (point: Point) => boolean {
  const keys = new Set([...finished, ...pending].map(({ point }) => keyOfPoint(space, point)));
  return (point) => keys.has(keyOfPoint(space, point));
}

/** The points of a small space that no trial has had; undefined for a large one. */
export function unseenPoints(context: SamplerContext): Float64Array[] | undefined {
  const seen = seenPoints(context);
  return enumerate(context.space, FEW_POINTS)?.filter((unit) => !seen(pointAt(context.space, unit)));
}

/** `count` different points that no trial has had, taken from `draw`; in a small space, all that are left if fewer. */
export function unseenFrom(
  context: SamplerContext,
  random: RandomGenerator,
  count: number,
  draw: (attempt: number) => Float64Array,
): Point[] {
  const { space } = context;
  const seen = seenPoints(context);
  const chosen = new Map<string, Point>();
  for (let attempt = 0; attempt < 20 * count && chosen.size < count; attempt++) {
    const point = pointAt(space, draw(attempt));
    if (!seen(point)) chosen.set(keyOfPoint(space, point), point);
  }
  if (chosen.size === 0)
    for (const unit of random.shuffle(unseenPoints(context) ?? []).slice(0, count)) {
      const point = pointAt(space, unit);
      chosen.set(keyOfPoint(space, point), point);
    }
  return [...chosen.values()];
}
