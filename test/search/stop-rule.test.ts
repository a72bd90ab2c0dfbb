import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { rungsOf, STOP_RULES, type StopRule } from '../../lib/search/stop-rule.js';

test('median: a trial below the median of the others is stopped, not before they tell enough', () => {
  const others = [0.5, 0.6, 0.7, 0.8].map((accuracy) => [accuracy, accuracy + 0.1, accuracy + 0.1]);
  const isWeak = (curve: number[], compared: number[][], epochs: number) =>
    STOP_RULES.median({ curve, others: compared, epochs });
  expect(isWeak([0.4, 0.5], others, 6)).toBe(true);
  expect(isWeak([0.4], others, 6)).toBe(false);
  expect(isWeak([0.4, 0.75], others, 6)).toBe(false);
  expect(isWeak([0.4, 0.5], others.slice(1), 6)).toBe(false);
  expect(isWeak([0.4, 0.5], others, 2)).toBe(false);
});

/** The epochs that trials get, one after the other. */
function lengthsOf(rule: StopRule, curves: readonly number[][], epochs: number): number[] {
  const done: number[][] = [];
  for (const curve of curves) {
    let length = 1;
    while (length < epochs && !rule({ curve: curve.slice(0, length), others: done, epochs })) length++;
    done.push(curve.slice(0, length));
  }
  return done.map((curve) => curve.length);
}

/** Made by successive_halving.py with Optuna. */
const { cases }: { cases: { epochs: number; curves: number[][]; lengths: number[] }[] } = JSON.parse(
  readFileSync(new URL('../fixtures/search/successive-halving.json', import.meta.url), 'utf8'),
);

test('halving: the trials that Optuna stops are stopped, after the same epochs', () => {
  for (const { epochs, curves, lengths } of cases)
    expect(lengthsOf(STOP_RULES.halving, curves, epochs)).toEqual(lengths);
  expect(rungsOf(1)).toEqual([]);
  expect(rungsOf(8)).toEqual([1, 3]);
  expect(rungsOf(50)).toEqual([6, 18]);
});

test('none: every trial gets all of its epochs', () => {
  for (const { epochs, curves } of cases)
    expect(lengthsOf(STOP_RULES.none, curves, epochs)).toEqual(curves.map(() => epochs));
});
