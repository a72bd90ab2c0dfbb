/**
 * Positive definite matrices by their triangular factors, row-major in doubles. The loops run along rows, which
 * lie together in memory; the upper half of a lower triangle must hold zeros.
 */

import { CholeskyDecomposition, Matrix } from 'ml-matrix';

export interface Factors {
  /** L of L·Lᵀ, its upper half zero. */
  lower: Float64Array;
  /** L⁻¹, its upper half zero. */
  inverse: Float64Array;
}

/** The Cholesky factor of a symmetric matrix [n, n], and its inverse; undefined when it is not positive definite. */
export function factor(matrix: Float64Array, n: number): Factors | undefined {
  const copy = new Matrix(n, n);
  for (let row = 0, at = 0; row < n; row++)
    for (let column = 0; column < n; column++, at++) copy.set(row, column, matrix[at] ?? 0);
  const cholesky = new CholeskyDecomposition(copy);
  if (!cholesky.isPositiveDefinite()) return undefined;
  const { lowerTriangularMatrix: found } = cholesky;
  const lower = new Float64Array(n * n);
  const inverse = new Float64Array(n * n);
  for (let row = 0; row < n; row++) {
    const base = row * n;
    for (let column = 0; column <= row; column++) lower[base + column] = found.get(row, column);
    for (let k = 0; k < row; k += 4)
      addFourRows(inverse, base, inverse, n, k, row, lower, base + k, 1, Math.min(row, k + 4));
    const pivot = 1 / (lower[base + row] ?? 1);
    for (let column = 0; column < row; column++) inverse[base + column] = -pivot * (inverse[base + column] ?? 0);
    inverse[base + row] = pivot;
  }
  return { lower, inverse };
}

/**
 * Adds the first `length` elements of up to four rows, `first` … of those before `end`, to `to` from `toStart` on, times the
 * factors that lie `stride` apart. Four at a time, the sums are read and written once for four of them.
 */
function addFourRows(
  to: Float64Array,
  toStart: number,
  rows: Float64Array,
  n: number,
  first: number,
  end: number,
  factors: Float64Array,
  factorStart: number,
  stride: number,
  length: number,
): void {
  const count = end - first;
  const base = first * n;
  const p = factors[factorStart] ?? 0;
  if (count < 4) {
    for (let row = 0; row < count; row++) {
      const by = factors[factorStart + row * stride] ?? 0;
      for (let k = 0; k < length; k++) to[toStart + k] = (to[toStart + k] ?? 0) + by * (rows[base + row * n + k] ?? 0);
    }
    return;
  }
  const q = factors[factorStart + stride] ?? 0;
  const r = factors[factorStart + 2 * stride] ?? 0;
  const s = factors[factorStart + 3 * stride] ?? 0;
  const [second, third, fourth] = [base + n, base + 2 * n, base + 3 * n];
  for (let k = 0; k < length; k++)
    to[toStart + k] =
      (to[toStart + k] ?? 0) +
      p * (rows[base + k] ?? 0) +
      q * (rows[second + k] ?? 0) +
      r * (rows[third + k] ?? 0) +
      s * (rows[fourth + k] ?? 0);
}

/** L⁻¹·vector, into `into`. */
export function timesLower(inverse: Float64Array, vector: Float64Array, into: Float64Array): Float64Array {
  const n = into.length;
  const whole = n - (n % 4);
  let row = 0;
  // Four rows at a time read each element of the vector once.
  for (; row < whole; row += 4) {
    const second = (row + 1) * n;
    const third = second + n;
    const fourth = third + n;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let k = 0; k < row + 4; k++) {
      const value = vector[k] ?? 0;
      a += (inverse[row * n + k] ?? 0) * value;
      b += (inverse[second + k] ?? 0) * value;
      c += (inverse[third + k] ?? 0) * value;
      d += (inverse[fourth + k] ?? 0) * value;
    }
    into[row] = a;
    into[row + 1] = b;
    into[row + 2] = c;
    into[row + 3] = d;
  }
  for (; row < n; row++) {
    let sum = 0;
    for (let k = 0; k <= row; k++) sum += (inverse[row * n + k] ?? 0) * (vector[k] ?? 0);
    into[row] = sum;
  }
  return into;
}

/** L⁻ᵀ·vector, into `into`. */
export function timesUpper(inverse: Float64Array, vector: Float64Array, into: Float64Array): Float64Array {
  const n = into.length;
  into.fill(0);
  for (let row = 0; row < n; row += 4) addFourRows(into, 0, inverse, n, row, n, vector, row, 1, Math.min(n, row + 4));
  return into;
}

/** The lower half of L⁻ᵀ·L⁻¹, the inverse of the matrix. */
export function inverseOf(inverse: Float64Array, n: number): Float64Array {
  const product = new Float64Array(n * n);
  for (let row = 0; row < n; row++)
    for (let k = row; k < n; k += 4) addFourRows(product, row * n, inverse, n, k, n, inverse, k * n + row, n, row + 1);
  return product;
}
