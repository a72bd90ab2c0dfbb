/** Scores of a group's channels brought to one scale, so that groups can be compared. */

export const NORMALIZATIONS = ['none', 'mean', 'max', 'sum', 'l2'] as const;
export type Normalization = (typeof NORMALIZATIONS)[number];

const SCALES: Record<Normalization, (score: Float64Array) => number> = {
  none: () => 1,
  mean: (score) => sum(score) / score.length,
  max: (score) => score.reduce((most, value) => Math.max(most, value), 0),
  sum,
  l2: (score) => Math.hypot(...score),
};

function sum(score: Float64Array): number {
  return score.reduce((total, value) => total + value, 0);
}

/** Scores divided by their group's mean, maximum, …; a group whose scores are all zero stays as it is. */
export function normalizeScores(scores: readonly Float64Array[], normalization: Normalization): Float64Array[] {
  if (normalization === 'none') return [...scores];
  return scores.map((score) => {
    const scale = SCALES[normalization](score);
    return scale > 0 ? score.map((value) => value / scale) : score;
  });
}
