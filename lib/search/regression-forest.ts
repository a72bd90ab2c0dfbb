/** Random forests for regression (Breiman 2001): trees on bootstrap samples, each grown until its leaves are pure. */

import type { RandomGenerator } from '../graph/random.js';

/** A leaf has a value; another node sends points with `x[feature] <= threshold` to the left. */
export type Tree = { value: number } | { feature: number; threshold: number; left: Tree; right: Tree };

/**
 * @param points rows of equally many features.
 * @param values one for each row.
 */
export function growForest(
  points: readonly ArrayLike<number>[],
  values: ArrayLike<number>,
  trees: number,
  random: RandomGenerator,
): Tree[] {
  const rows = points.length;
  return Array.from({ length: trees }, () =>
    growTree(
      points,
      values,
      Array.from({ length: rows }, () => random.int(rows)),
      random,
    ),
  );
}

/** A tree on some rows, which may be there several times. Of splits that are equally good, one is taken by chance. */
export function growTree(
  points: readonly ArrayLike<number>[],
  values: ArrayLike<number>,
  rows: readonly number[],
  random: RandomGenerator,
): Tree {
  const mean = rows.reduce((sum, row) => sum + (values[row] ?? 0), 0) / Math.max(1, rows.length);
  const split = rows.some((row) => Math.abs((values[row] ?? 0) - mean) > 1e-12)
    ? bestSplit(points, values, rows, random)
    : undefined;
  if (!split) return { value: mean };
  const { feature, threshold } = split;
  const isLeft = (row: number) => (points[row]?.[feature] ?? 0) <= threshold;
  return {
    feature,
    threshold,
    left: growTree(points, values, rows.filter(isLeft), random),
    right: growTree(
      points,
      values,
      rows.filter((row) => !isLeft(row)),
      random,
    ),
  };
}

/** The split that leaves the least squared error; undefined where all rows are the same point. */
function bestSplit(
  points: readonly ArrayLike<number>[],
  values: ArrayLike<number>,
  rows: readonly number[],
  random: RandomGenerator,
): { feature: number; threshold: number } | undefined {
  const features = random.shuffle(Array.from({ length: points[0]?.length ?? 0 }, (_, feature) => feature));
  const total = rows.reduce((sum, row) => sum + (values[row] ?? 0), 0);
  let best: { feature: number; threshold: number; gain: number } | undefined;
  for (const feature of features) {
    const at = (row: number | undefined) => points[row ?? -1]?.[feature] ?? 0;
    const sorted = [...rows].sort((a, b) => at(a) - at(b));
    let left = 0;
    for (let count = 1; count < sorted.length; count++) {
      left += values[sorted[count - 1] ?? -1] ?? 0;
      const [below, above] = [at(sorted[count - 1]), at(sorted[count])];
      if (below === above) continue;
      // The sum of squares explained by the two means, up to what every split explains.
      const gain = left ** 2 / count + (total - left) ** 2 / (sorted.length - count);
      if (best === undefined || gain > best.gain + 1e-12 * Math.abs(best.gain))
        best = { feature, threshold: (below + above) / 2, gain };
    }
  }
  return best;
}

export function predict(tree: Tree, point: ArrayLike<number>): number {
  let at = tree;
  while (!('value' in at)) at = (point[at.feature] ?? 0) <= at.threshold ? at.left : at.right;
  return at.value;
}
