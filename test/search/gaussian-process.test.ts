import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { randomGenerator } from '../../lib/graph/random.js';
import { condition } from '../../lib/search/gaussian-process.js';
import { fitHyperparameters, negativeLogLikelihood } from '../../lib/search/marginal-likelihood.js';

interface Case {
  points: number[][];
  values: number[];
  lengthscales: number[];
  variance: number;
  noise: number;
  at: number[][];
  mean: number[];
  latentVariance: number[];
  logLikelihood: number;
  gradient: number[];
  bestLogLikelihood: number;
}

/** Made by gaussian_process.py with scikit-learn. */
const fixture = new URL('../fixtures/search/gaussian-process.json', import.meta.url);
const { cases }: { cases: Case[] } = JSON.parse(readFileSync(fixture, 'utf8'));
const observationsOf = ({ points, values }: Case) => ({
  points: points.map((point) => Float64Array.from(point)),
  values: Float64Array.from(values),
});
const logsOf = ({ lengthscales, variance, noise }: Case) =>
  Float64Array.from([...lengthscales, variance, noise], Math.log);

test('posterior mean and variance are those of scikit-learn to 1e-6', () => {
  for (const one of cases) {
    const process = condition(observationsOf(one), one);
    one.at.forEach((point, index) => {
      const { mean, variance } = process.predict(Float64Array.from(point));
      expect(Math.abs(mean - (one.mean[index] ?? Number.NaN))).toBeLessThan(1e-6);
      expect(Math.abs(variance - (one.latentVariance[index] ?? Number.NaN))).toBeLessThan(1e-6);
    });
  }
});

test('marginal likelihood and its gradient are those of scikit-learn', () => {
  for (const one of cases) {
    const { value, gradient } = negativeLogLikelihood(observationsOf(one))(logsOf(one));
    expect(-value).toBeCloseTo(one.logLikelihood, 6);
    const [byVariance, ...others] = one.gradient;
    const noise = others.pop();
    [...others, byVariance, noise].forEach((slope, index) => {
      expect(-(gradient[index] ?? Number.NaN)).toBeCloseTo(slope ?? Number.NaN, 5);
    });
  }
});

test('the fit finds a likelihood no worse than scikit-learn with as many restarts', () => {
  for (const one of cases) {
    const observations = observationsOf(one);
    const fitted = fitHyperparameters(observations, { random: randomGenerator(1), restarts: 8, maxEvaluations: 200 });
    const logs = Float64Array.from([...Array.from(fitted.lengthscales), fitted.variance, fitted.noise], Math.log);
    expect(-negativeLogLikelihood(observations)(logs).value).toBeGreaterThan(one.bestLogLikelihood - 0.02);
  }
});

test('features of one group share a length scale, and its derivative', () => {
  const [, one] = cases;
  if (!one) throw new Error('the fixture has a second case');
  const { points, values } = observationsOf(one);
  const groups = Int32Array.from([0, 1, 1]);
  const f = negativeLogLikelihood({ points, values, groups });
  const at = Float64Array.from([-0.5, -0.2, 0.1, -3]);
  const alone = negativeLogLikelihood({ points, values })(Float64Array.from([-0.5, -0.2, -0.2, 0.1, -3]));
  expect(f(at).value).toBeCloseTo(alone.value, 10);
  at.forEach((value, index) => {
    const slope = (f(at.with(index, value + 1e-5)).value - f(at.with(index, value - 1e-5)).value) / 2e-5;
    expect(f(at).gradient[index]).toBeCloseTo(slope, 4);
  });
});

test('gradients of mean and variance agree with finite differences', () => {
  for (const one of cases) {
    const process = condition(observationsOf(one), one);
    const x = Float64Array.from(one.at[0] ?? []);
    const { meanGradient, varianceGradient } = process.predictWithGradient(x);
    x.forEach((value, index) => {
      const up = process.predict(x.with(index, value + 1e-5));
      const down = process.predict(x.with(index, value - 1e-5));
      expect(meanGradient[index]).toBeCloseTo((up.mean - down.mean) / 2e-5, 5);
      expect(varianceGradient[index]).toBeCloseTo((up.variance - down.variance) / 2e-5, 5);
    });
  }
});

test('the same point observed many times is no trouble', () => {
  const points = Array.from({ length: 20 }, () => Float64Array.of(0.5));
  const process = condition(
    { points, values: new Float64Array(20).fill(2) },
    { lengthscales: [0.3], variance: 1, noise: 0 },
  );
  expect(process.predict(Float64Array.of(0.5)).mean).toBeCloseTo(2, 3);
});
