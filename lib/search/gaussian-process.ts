/**
 * Gaussian process regression (Rasmussen and Williams, "Gaussian Processes for Machine Learning", chapters 2 and 5):
 * zero mean, Matérn 5/2 kernel with a length scale for each dimension (ARD), Gaussian noise.
 *
 * k(a, b) = variance · (1 + √5 r + 5/3 r²) · exp(−√5 r),  r² = Σ ((a_j − b_j) / lengthscale_j)²
 */

import { TascnetError } from '../errors.js';
import { factor, timesLower, timesUpper } from './triangular.js';

const SQRT5 = Math.sqrt(5);

export interface Hyperparameters {
  /** One for each group of features. */
  lengthscales: ArrayLike<number>;
  /** Signal variance. */
  variance: number;
  /** Variance of the noise. */
  noise: number;
}

export interface Observations {
  /** Features of each observation. */
  points: readonly Float64Array[];
  values: ArrayLike<number>;
  /** The length scale that each feature uses; by default each its own. */
  groups?: Int32Array | undefined;
}

export interface Posterior {
  mean: number;
  /** Of the function itself, without noise. */
  variance: number;
}

export interface GaussianProcess {
  readonly hyperparameters: Hyperparameters;
  predict(point: Float64Array): Posterior;
  /** The mean at observation `index`: its value, less what the process takes for noise. */
  meanAt(index: number): number;
  /** Also the derivatives of mean and variance by each feature. */
  predictWithGradient(point: Float64Array): Posterior & { meanGradient: Float64Array; varianceGradient: Float64Array };
}

/** The kernel as a function of √5·r, for unit variance. */
export function matern(scaled: number): number {
  return (1 + scaled + (scaled * scaled) / 3) * Math.exp(-scaled);
}

/**
 * The process with these hyperparameters, given the observations.
 * @throws TascnetError when the covariance is not positive definite even with a little more noise.
 */
export function condition(observations: Observations, hyperparameters: Hyperparameters): GaussianProcess {
  const { points, values, groups } = observations;
  const { variance, noise, lengthscales } = hyperparameters;
  const n = points.length;
  const features = points[0]?.length ?? 0;
  const rates = Float64Array.from({ length: features }, (_, j) => SQRT5 / (lengthscales[groups?.[j] ?? j] ?? 1));
  const scaledPoints = new Float64Array(n * features);
  points.forEach((point, index) => {
    for (let j = 0; j < features; j++) scaledPoints[index * features + j] = (point[j] ?? 0) * (rates[j] ?? 1);
  });
  const distance = (a: Float64Array, start: number, other: number) => {
    let sum = 0;
    for (let j = 0; j < features; j++) sum += ((a[start + j] ?? 0) - (scaledPoints[other + j] ?? 0)) ** 2;
    return Math.sqrt(sum);
  };
  const covariance = new Float64Array(n * n);
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < row; column++) {
      const value = variance * matern(distance(scaledPoints, row * features, column * features));
      covariance[row * n + column] = value;
      covariance[column * n + row] = value;
    }
    covariance[row * n + row] = variance + noise;
  }
  const { inverse } = factorWithJitter(covariance, n, variance);
  const vector = () => new Float64Array(n);
  const alpha = timesUpper(inverse, timesLower(inverse, Float64Array.from(values), vector()), vector());

  // Used again by every prediction: thousands are made of one process.
  const scaled = new Float64Array(features);
  const [distances, kernel, whitened, solved] = [vector(), vector(), vector(), vector()];
  const at = (point: Float64Array): Posterior => {
    for (let j = 0; j < features; j++) scaled[j] = (point[j] ?? 0) * (rates[j] ?? 1);
    let mean = 0;
    for (let index = 0; index < n; index++) {
      const r = distance(scaled, 0, index * features);
      const value = variance * matern(r);
      distances[index] = r;
      kernel[index] = value;
      mean += value * (alpha[index] ?? 0);
    }
    timesLower(inverse, kernel, whitened);
    let explained = 0;
    for (let index = 0; index < n; index++) explained += (whitened[index] ?? 0) ** 2;
    return { mean, variance: Math.max(0, variance - explained) };
  };

  return {
    hyperparameters,
    predict: at,
    meanAt: (index) => (values[index] ?? 0) - noise * (alpha[index] ?? 0),
    predictWithGradient: (point) => {
      const posterior = at(point);
      timesUpper(inverse, whitened, solved);
      const meanGradient = new Float64Array(features);
      const varianceGradient = new Float64Array(features);
      for (let index = 0; index < n; index++) {
        const r = distances[index] ?? 0;
        // d k / d x_j = −variance/3 · (1 + r) e^−r · (scaled difference) · rate, r already holding √5.
        const slope = (-variance / 3) * (1 + r) * Math.exp(-r);
        const byMean = slope * (alpha[index] ?? 0);
        const byVariance = -2 * slope * (solved[index] ?? 0);
        for (let j = 0; j < features; j++) {
          const difference = (scaled[j] ?? 0) - (scaledPoints[index * features + j] ?? 0);
          meanGradient[j] = (meanGradient[j] ?? 0) + byMean * difference;
          varianceGradient[j] = (varianceGradient[j] ?? 0) + byVariance * difference;
        }
      }
      for (let j = 0; j < features; j++) {
        meanGradient[j] = (meanGradient[j] ?? 0) * (rates[j] ?? 1);
        varianceGradient[j] = (varianceGradient[j] ?? 0) * (rates[j] ?? 1);
      }
      return { ...posterior, meanGradient, varianceGradient };
    },
  };
}

/** Points that are all but equal can make a covariance singular in doubles; a little on the diagonal mends that. */
function factorWithJitter(covariance: Float64Array, n: number, variance: number) {
  for (const jitter of [0, 1e-10, 1e-8, 1e-6, 1e-4]) {
    for (let row = 0; row < n; row++) covariance[row * n + row] = (covariance[row * n + row] ?? 0) + jitter * variance;
    const factors = factor(covariance, n);
    if (factors) return factors;
  }
  throw new TascnetError('The observations of the search make a covariance that is not positive definite.', {
    hint: 'A value that is not finite has that effect.',
  });
}
