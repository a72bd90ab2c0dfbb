/**
 * Gaussian process regression (Rasmussen and Williams, "Gaussian Processes for Machine Learning", chapters 2 and 5):
 * zero mean, Matérn 5/2 kernel with a length scale for each dimension (ARD), Gaussian noise.
 *
 * k(a, b) = variance · (1 + √5 r + 5/3 r²) · exp(−√5 r),  r² = Σ ((a_j − b_j) / lengthscale_j)²
 */

import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { TascnetError } from '../errors.js';

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
  /** Also the derivatives of mean and variance by each feature. */
  predictWithGradient(point: Float64Array): Posterior & { meanGradient: Float64Array; varianceGradient: Float64Array };
}

/** Lower triangular factor L of a positive definite matrix (row-major n×n), and its inverse; undefined when it is not. */
export function factor(matrix: Float64Array, n: number): { lower: Float64Array; inverse: Float64Array } | undefined {
  const rows = Array.from({ length: n }, (_, row) => matrix.subarray(row * n, (row + 1) * n));
  const cholesky = new CholeskyDecomposition(new Matrix(rows));
  if (!cholesky.isPositiveDefinite()) return undefined;
  const lower = Float64Array.from(cholesky.lowerTriangularMatrix.to1DArray());
  const inverse = new Float64Array(n * n);
  for (let column = 0; column < n; column++) {
    inverse[column * n + column] = 1 / (lower[column * n + column] ?? 1);
    for (let row = column + 1; row < n; row++) {
      let sum = 0;
      for (let k = column; k < row; k++) sum += (lower[row * n + k] ?? 0) * (inverse[k * n + column] ?? 0);
      inverse[row * n + column] = -sum / (lower[row * n + row] ?? 1);
    }
  }
  return { lower, inverse };
}

/** L⁻¹·vector. */
export function timesLower(inverse: Float64Array, vector: ArrayLike<number>, n: number): Float64Array {
  const product = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    let sum = 0;
    for (let k = 0; k <= row; k++) sum += (inverse[row * n + k] ?? 0) * (vector[k] ?? 0);
    product[row] = sum;
  }
  return product;
}

/** L⁻ᵀ·vector. */
export function timesUpper(inverse: Float64Array, vector: ArrayLike<number>, n: number): Float64Array {
  const product = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    const factorOfRow = vector[row] ?? 0;
    for (let k = 0; k <= row; k++) product[k] = (product[k] ?? 0) + (inverse[row * n + k] ?? 0) * factorOfRow;
  }
  return product;
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
  const scaledPoints = points.map((point) => point.map((value, j) => value * (rates[j] ?? 1)));
  const distance = (a: Float64Array, b: Float64Array) => {
    let sum = 0;
    for (let j = 0; j < features; j++) sum += ((a[j] ?? 0) - (b[j] ?? 0)) ** 2;
    return Math.sqrt(sum);
  };
  const covariance = new Float64Array(n * n);
  scaledPoints.forEach((a, row) => {
    for (let column = 0; column < row; column++) {
      const value = variance * matern(distance(a, scaledPoints[column] ?? a));
      covariance[row * n + column] = value;
      covariance[column * n + row] = value;
    }
    covariance[row * n + row] = variance + noise;
  });
  const { inverse } = factorWithJitter(covariance, n, variance);
  const alpha = timesUpper(inverse, timesLower(inverse, values, n), n);

  const at = (point: Float64Array) => {
    const scaled = new Float64Array(features);
    for (let j = 0; j < features; j++) scaled[j] = (point[j] ?? 0) * (rates[j] ?? 1);
    const distances = new Float64Array(n);
    const kernel = new Float64Array(n);
    let mean = 0;
    for (let index = 0; index < n; index++) {
      const r = distance(scaled, scaledPoints[index] ?? scaled);
      const value = variance * matern(r);
      distances[index] = r;
      kernel[index] = value;
      mean += value * (alpha[index] ?? 0);
    }
    const whitened = timesLower(inverse, kernel, n);
    let explained = 0;
    for (let index = 0; index < n; index++) explained += (whitened[index] ?? 0) ** 2;
    return { scaled, distances, whitened, mean, variance: Math.max(0, variance - explained) };
  };

  return {
    hyperparameters,
    predict: (point) => {
      const { mean, variance } = at(point);
      return { mean, variance };
    },
    predictWithGradient: (point) => {
      const { scaled, distances, whitened, mean, variance: left } = at(point);
      const solved = timesUpper(inverse, whitened, n);
      const meanGradient = new Float64Array(features);
      const varianceGradient = new Float64Array(features);
      scaledPoints.forEach((other, index) => {
        const r = distances[index] ?? 0;
        // d k / d x_j = −variance/3 · (1 + r) e^−r · (scaled difference) · rate, r already holding √5.
        const slope = (-variance / 3) * (1 + r) * Math.exp(-r);
        for (let j = 0; j < features; j++) {
          const derivative = slope * ((scaled[j] ?? 0) - (other[j] ?? 0)) * (rates[j] ?? 1);
          meanGradient[j] = (meanGradient[j] ?? 0) + derivative * (alpha[index] ?? 0);
          varianceGradient[j] = (varianceGradient[j] ?? 0) - 2 * derivative * (solved[index] ?? 0);
        }
      });
      return { mean, variance: left, meanGradient, varianceGradient };
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
