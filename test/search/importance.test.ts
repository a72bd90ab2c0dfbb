import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { randomGenerator } from '../../lib/graph/random.js';
import { importances, variances } from '../../lib/search/importance.js';
import { growTree, predict, type Tree } from '../../lib/search/regression-forest.js';

interface Study {
  points: number[][];
  values: number[];
  mean: number[];
  deviation: number[];
}

const fixture: {
  studies: Record<string, Study>;
  tree: { points: number[][]; values: number[]; tree: Tree; total: number; single: number[] };
} = JSON.parse(readFileSync('test/fixtures/search/importance.json', 'utf8'));

test('a tree splits where scikit-learn’s does, and tells its own points', () => {
  const { points, values, tree: theirs } = fixture.tree;
  const ours = growTree(points, values, [...points.keys()], randomGenerator(1));
  expect(points.map((point) => predict(ours, point))).toEqual(values);
  // Further down, of two points left any feature tells them apart.
  const alike = (a: Tree, b: Tree, depth: number): void => {
    if (depth === 0 || 'value' in a || 'value' in b) return;
    expect(a.feature).toBe(b.feature);
    expect(a.threshold).toBeCloseTo(b.threshold, 5);
    alike(a.left, b.left, depth - 1);
    alike(a.right, b.right, depth - 1);
  };
  alike(ours, theirs, 3);
});

test('the variances of a tree are those of its predictions on a fine grid', () => {
  const { tree, total, single } = fixture.tree;
  const ours = variances(tree, 3);
  expect(Math.abs(ours.total / total - 1)).toBeLessThan(0.02);
  for (const [feature, variance] of single.entries())
    expect(Math.abs((ours.single[feature] ?? 0) - variance)).toBeLessThan(0.01 * total);
});

test.each(Object.entries(fixture.studies))('%s: importances are those of Optuna’s fANOVA', (_, study) => {
  const runs = Array.from({ length: 5 }, (_run, seed) => importances(study.points, study.values, seed));
  for (const [feature, expected] of study.mean.entries()) {
    const mean = runs.reduce((sum, run) => sum + (run[feature] ?? 0), 0) / runs.length;
    expect(Math.abs(mean - expected)).toBeLessThan(0.02 + 3 * (study.deviation[feature] ?? 0));
  }
  expect(runs[0]?.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 10);
});

test('nothing matters where nothing differs', () => {
  expect(
    importances(
      [
        [0.1, 0.2],
        [0.5, 0.9],
      ],
      [3, 3],
      0,
    ),
  ).toEqual([0, 0]);
  expect(importances([], [], 0)).toEqual([]);
});
