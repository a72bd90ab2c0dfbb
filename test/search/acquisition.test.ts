import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { randomGenerator } from '../../lib/graph/random.js';
import {
  expectedImprovement,
  logConstrainedImprovement,
  logExpectedImprovement,
  logFeasibility,
} from '../../lib/search/acquisition.js';
import { distribution, logDistribution, logImprovement } from '../../lib/search/normal.js';

/** Made by gaussian_process.py with mpmath at 60 digits. */
const fixture = new URL('../fixtures/search/gaussian-process.json', import.meta.url);
const { normal }: { normal: { z: number; logCdf: number; logImprovement: number }[] } = JSON.parse(
  readFileSync(fixture, 'utf8'),
);

const relative = (a: number, b: number) => Math.abs(a - b) / Math.max(1e-300, Math.abs(b));

test('normal tails hold their relative precision', () => {
  for (const { z, logCdf, logImprovement: improvement } of normal) {
    expect(relative(logImprovement(z).value, improvement)).toBeLessThan(1e-11);
    if (z < 6) expect(relative(logDistribution(z).value, logCdf)).toBeLessThan(1e-11);
    else expect(Math.abs(logDistribution(z).value - logCdf)).toBeLessThan(1e-15);
    expect(relative(distribution(z), Math.exp(logCdf))).toBeLessThan(1e-11);
  }
});

test('expected improvement is what sampling gives', () => {
  const random = randomGenerator('improvement');
  for (const [mean, deviation, best] of [
    [0.5, 0.2, 0.6],
    [0, 1, -0.3],
    [-1, 2, 1],
  ] as const) {
    let sum = 0;
    for (let draw = 0; draw < 200_000; draw++) sum += Math.max(0, mean + deviation * random.normal() - best);
    expect(Math.abs(expectedImprovement(mean, deviation, best) - sum / 200_000)).toBeLessThan(0.01 * deviation);
  }
  expect(expectedImprovement(1, 0, 0.25)).toBe(0.75);
  expect(expectedImprovement(0, 0, 0.25)).toBe(0);
});

test('derivatives agree with finite differences, also in the tail', () => {
  for (const [mean, deviation] of [
    [0.3, 0.5],
    [-4, 0.3],
    [2, 0.7],
  ] as const)
    for (const acquire of [logExpectedImprovement, logFeasibility]) {
      const h = 1e-6;
      const { byMean, byDeviation } = acquire(mean, deviation, 0.4);
      const dMean = (acquire(mean + h, deviation, 0.4).value - acquire(mean - h, deviation, 0.4).value) / (2 * h);
      const dDeviation = (acquire(mean, deviation + h, 0.4).value - acquire(mean, deviation - h, 0.4).value) / (2 * h);
      expect(Math.abs(byMean - dMean)).toBeLessThan(1e-5 * Math.max(1, Math.abs(dMean)));
      expect(Math.abs(byDeviation - dDeviation)).toBeLessThan(1e-5 * Math.max(1, Math.abs(dDeviation)));
    }
});

test('constrained improvement is the improvement times the probability of being feasible', () => {
  const objective = { mean: 0.4, deviation: 0.3 };
  const constraint = { mean: 1.2, deviation: 0.5, limit: 1 };
  const value = logConstrainedImprovement(objective, 0.5, [constraint, { ...constraint, limit: 2 }]);
  const feasible = distribution((1 - 1.2) / 0.5) * distribution((2 - 1.2) / 0.5);
  expect(Math.exp(value)).toBeCloseTo(expectedImprovement(0.4, 0.3, 0.5) * feasible, 12);
  expect(logConstrainedImprovement(objective, undefined, [constraint])).toBeCloseTo(Math.log(distribution(-0.4)), 12);
});
