/**
 * Hyperparameters of a Gaussian process by their marginal likelihood (Rasmussen and Williams, equations 5.8 and 5.9),
 * from several starting points, with the analytic gradient. With `prior`, the maximum a posteriori under log-normal
 * densities (length scales around half of the space, little noise), so that a handful of observations does not lead to
 * extremes.
 */

import type { RandomGenerator } from '../graph/random.js';
import type { Hyperparameters, Observations } from './gaussian-process.js';
import { type Evaluation, minimize } from './lbfgs.js';
import { factor, inverseOf, timesLower, timesUpper } from './triangular.js';

export interface FitOptions {
  random: RandomGenerator;
  /** Starting points beside the default one. */
  restarts: number;
  /** Evaluations of the likelihood for each starting point. */
  maxEvaluations?: number;
  prior?: boolean;
  /** Smallest and largest values, in the units of the features and of the squared values. */
  bounds?: { lengthscale: [number, number]; variance: [number, number]; noise: [number, number] };
}

const BOUNDS: NonNullable<FitOptions['bounds']> = {
  lengthscale: [0.02, 50],
  variance: [1e-3, 100],
  noise: [1e-8, 1],
};

/**
 * −log p(values | points) as a function of the logarithms of the length scales, the variance and the noise, in this
 * order. The differences between points are taken once.
 */
export function negativeLogLikelihood(observations: Observations): (logs: Float64Array) => Evaluation {
  const { points, values, groups } = observations;
  const n = points.length;
  const count = groupCount(observations);
  const squares = squaredDifferences(points, groups, count);
  const covariance = new Float64Array(n * n);
  const scaled = new Float64Array((n * (n - 1)) / 2);
  const decays = new Float64Array(scaled.length);

  return (logs) => {
    const rates = Float64Array.from({ length: count }, (_, group) => 5 * Math.exp(-2 * (logs[group] ?? 0)));
    const variance = Math.exp(logs[count] ?? 0);
    const noise = Math.exp(logs[count + 1] ?? 0);
    for (let row = 0, pair = 0; row < n; row++) {
      for (let column = 0; column < row; column++, pair++) {
        let sum = 0;
        for (let group = 0; group < count; group++) sum += (squares[pair * count + group] ?? 0) * (rates[group] ?? 0);
        const r = Math.sqrt(sum);
        const decay = Math.exp(-r);
        scaled[pair] = r;
        decays[pair] = decay;
        const value = variance * (1 + r + (r * r) / 3) * decay;
        covariance[row * n + column] = value;
        covariance[column * n + row] = value;
      }
      covariance[row * n + row] = variance + noise;
    }
    const gradient = new Float64Array(count + 2);
    const factors = factor(covariance, n);
    if (!factors) return { value: Number.POSITIVE_INFINITY, gradient };
    const { lower, inverse } = factors;
    const whitened = timesLower(inverse, Float64Array.from(values), new Float64Array(n));
    const alpha = timesUpper(inverse, whitened, new Float64Array(n));
    let value = (n / 2) * Math.log(2 * Math.PI);
    for (let row = 0; row < n; row++) value += 0.5 * (whitened[row] ?? 0) ** 2 + Math.log(lower[row * n + row] ?? 1);

    // d/dθ = ½ Σ (K⁻¹ − α αᵀ)_ij · dK_ij/dθ, each pair standing for two elements.
    const precision = inverseOf(inverse, n);
    let byVariance = 0;
    let byNoise = 0;
    for (let row = 0, pair = 0; row < n; row++) {
      for (let column = 0; column < row; column++, pair++) {
        const weight = (precision[row * n + column] ?? 0) - (alpha[row] ?? 0) * (alpha[column] ?? 0);
        const r = scaled[pair] ?? 0;
        const decay = decays[pair] ?? 0;
        byVariance += weight * variance * (1 + r + (r * r) / 3) * decay;
        const slope = (weight * variance * (1 + r) * decay) / 3;
        for (let group = 0; group < count; group++)
          gradient[group] = (gradient[group] ?? 0) + slope * (squares[pair * count + group] ?? 0);
      }
      const weight = (precision[row * n + row] ?? 0) - (alpha[row] ?? 0) ** 2;
      byVariance += 0.5 * weight * variance;
      byNoise += 0.5 * weight * noise;
    }
    for (let group = 0; group < count; group++) gradient[group] = (gradient[group] ?? 0) * (rates[group] ?? 0);
    gradient[count] = byVariance;
    gradient[count + 1] = byNoise;
    return { value, gradient };
  };
}

/** The hyperparameters that make the observations most probable. The same for the same observations and `random`. */
export function fitHyperparameters(observations: Observations, options: FitOptions): Hyperparameters {
  const { random, restarts, maxEvaluations = 60, prior = false, bounds = BOUNDS } = options;
  const count = groupCount(observations);
  const likelihood = negativeLogLikelihood(observations);
  const objective = prior ? withPrior(likelihood, count) : likelihood;
  const limits = [...new Array<[number, number]>(count).fill(bounds.lengthscale), bounds.variance, bounds.noise];
  const lower = limits.map(([low]) => Math.log(low));
  const upper = limits.map(([, high]) => Math.log(high));
  const usual = [...new Array<number>(count).fill(Math.log(0.5)), 0, Math.log(1e-3)];
  const starts = Array.from({ length: restarts }, () =>
    usual.map((start, index) => start + random.normal() * (index < count ? 1 : index === count ? 0.5 : 2)),
  );
  let best: { x: Float64Array; value: number } | undefined;
  for (const start of [usual, ...starts]) {
    const found = minimize(objective, start, { lower, upper, maxEvaluations, tolerance: 1e-4 });
    if (!best || found.value < best.value) best = found;
  }
  const x = (best?.x ?? Float64Array.from(usual)).map(Math.exp);
  return { lengthscales: x.slice(0, count), variance: x[count] ?? 1, noise: x[count + 1] ?? 1e-3 };
}

/** Densities over the logarithms: length scales as above, variance around 1, noise small but not fixed. */
function withPrior(likelihood: (logs: Float64Array) => Evaluation, count: number): (logs: Float64Array) => Evaluation {
  const priors = [
    ...new Array<[number, number]>(count).fill([Math.log(0.5), 1]),
    [0, 1] as [number, number],
    [Math.log(1e-4), 3] as [number, number],
  ];
  return (logs) => {
    const { value, gradient } = likelihood(logs);
    let penalty = 0;
    const slopes = gradient.map((slope, index) => {
      const [centre, spread] = priors[index] ?? [0, 1];
      const z = ((logs[index] ?? 0) - centre) / spread;
      penalty += 0.5 * z * z;
      return slope + z / spread;
    });
    return { value: value + penalty, gradient: slopes };
  };
}

function groupCount({ points, groups }: Observations): number {
  return groups ? groups.reduce((most, group) => Math.max(most, group), -1) + 1 : (points[0]?.length ?? 0);
}

/** For each pair (row > column) and group, the squared differences summed over the group's features. */
function squaredDifferences(
  points: readonly Float64Array[],
  groups: Int32Array | undefined,
  count: number,
): Float64Array {
  const n = points.length;
  const squares = new Float64Array(((n * (n - 1)) / 2) * count);
  for (let row = 0, pair = 0; row < n; row++)
    for (let column = 0; column < row; column++, pair++)
      points[row]?.forEach((value, j) => {
        const at = pair * count + (groups?.[j] ?? j);
        squares[at] = (squares[at] ?? 0) + (value - (points[column]?.[j] ?? 0)) ** 2;
      });
  return squares;
}
