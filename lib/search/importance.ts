/**
 * How much each choice matters: functional analysis of variance (Hutter, Hoos and Leyton-Brown 2014) on a random forest
 * that was fitted to the trials, exactly, from the boxes of its leaves.
 */

import { randomGenerator } from '../graph/random.js';
import { growForest, type Tree } from './regression-forest.js';

const TREES = 64;

/**
 * The share of the variance over the unit cube that each feature explains by itself, of what all features explain by
 * themselves; zeros where the values do not differ.
 * @param points rows of equally many features, 0 … 1.
 */
export function importances(points: readonly ArrayLike<number>[], values: ArrayLike<number>, seed: number): number[] {
  const features = points[0]?.length ?? 0;
  const sums = new Array<number>(features).fill(0);
  for (const tree of growForest(points, values, TREES, randomGenerator(seed, 'importance'))) {
    const { total, single } = variances(tree, features);
    if (total > 1e-18)
      for (const [feature, variance] of single.entries()) sums[feature] = (sums[feature] ?? 0) + variance / total;
  }
  const whole = sums.reduce((a, b) => a + b, 0);
  return sums.map((sum) => (whole > 0 ? sum / whole : 0));
}

interface Leaf {
  value: number;
  low: Float64Array;
  high: Float64Array;
  volume: number;
}

/** The variance of a tree over the unit cube, and that of its mean over all features but one, for each. */
export function variances(tree: Tree, features: number): { total: number; single: number[] } {
  const leaves: Leaf[] = [];
  collect(tree, new Float64Array(features), new Float64Array(features).fill(1), leaves);
  const mean = leaves.reduce((sum, { value, volume }) => sum + value * volume, 0);
  const total = leaves.reduce((sum, { value, volume }) => sum + (value - mean) ** 2 * volume, 0);
  return { total, single: Array.from({ length: features }, (_, feature) => alone(leaves, feature, mean)) };
}

function collect(tree: Tree, low: Float64Array, high: Float64Array, leaves: Leaf[]): void {
  if ('value' in tree) {
    const volume = low.reduce((product, from, feature) => product * ((high[feature] ?? 0) - from), 1);
    leaves.push({ value: tree.value, low, high, volume });
    return;
  }
  const { feature, threshold } = tree;
  collect(tree.left, low, high.with(feature, Math.min(threshold, high[feature] ?? 1)), leaves);
  collect(tree.right, low.with(feature, Math.max(threshold, low[feature] ?? 0)), high, leaves);
}

/** The mean over the other features is a step function of this one. */
function alone(leaves: readonly Leaf[], feature: number, mean: number): number {
  const edges = [...new Set(leaves.flatMap(({ low, high }) => [low[feature] ?? 0, high[feature] ?? 1]))].sort(
    (a, b) => a - b,
  );
  const levels = new Float64Array(edges.length);
  const position = new Map(edges.map((edge, index) => [edge, index]));
  for (const { value, low, high, volume } of leaves) {
    const [from = 0, to = 1] = [low[feature], high[feature]];
    if (to <= from) continue;
    const share = (value * volume) / (to - from);
    for (let step = position.get(from) ?? 0; step < (position.get(to) ?? 0); step++)
      levels[step] = (levels[step] ?? 0) + share;
  }
  let variance = 0;
  for (let step = 0; step + 1 < edges.length; step++)
    variance += ((levels[step] ?? 0) - mean) ** 2 * ((edges[step + 1] ?? 0) - (edges[step] ?? 0));
  return variance;
}
