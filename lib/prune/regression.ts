/**
 * Ridge regression towards weights that are there already: W minimises ‖X·W − Y‖² + λ·‖W − P‖², so that directions that
 * the samples say nothing about stay as they are in P.
 */

import { createLeastSquares } from '../native.js';
import type { Tf } from '../ops/operator.js';

/** λ as a fraction of the mean square of the inputs, summed over the samples. */
const RIDGE = 1e-3;

/** The most that is solved for at a time: the normal equations of more would take more memory than a laptop can spare. */
const MAX_EQUATIONS = 8192;

export interface Problem {
  unknowns: number;
  outputs: number;
  /** Row-major [unknowns × outputs]. */
  prior: Float32Array;
  /** How many samples there will be. */
  count: number;
}

/** Row-major [n × unknowns] and [n × outputs]. */
export interface Samples {
  x: Float32Array;
  y: Float32Array;
}

/**
 * @param samples `count` of them in all.
 * @returns row-major [unknowns × outputs]; undefined where the inputs are all zero, or too many.
 */
export async function ridgeRegression(
  tf: Tf,
  problem: Problem,
  samples: Iterable<Samples>,
  signal: AbortSignal | undefined,
): Promise<Float32Array | undefined> {
  const { unknowns, count } = problem;
  if (Math.min(unknowns, count) > MAX_EQUATIONS) return undefined;
  return count < unknowns ? fromFew(tf, problem, samples, signal) : fromMany(problem, samples, signal);
}

async function fromMany(
  { unknowns, outputs, prior }: Problem,
  samples: Iterable<Samples>,
  signal: AbortSignal | undefined,
): Promise<Float32Array | undefined> {
  const equations = createLeastSquares(unknowns, outputs);
  let squares = 0;
  for (const { x, y } of samples) {
    await equations.add(x, y, x.length / unknowns, { signal });
    squares += sumOfSquares(x);
  }
  return squares > 0 ? equations.solve((RIDGE * squares) / unknowns, prior, { signal }) : undefined;
}

/** The dual form, with an equation for each sample: W = P − Xᵀ·(X·Xᵀ + λI)⁻¹·(X·P − Y). */
async function fromFew(
  tf: Tf,
  { unknowns, outputs, prior, count }: Problem,
  samples: Iterable<Samples>,
  signal: AbortSignal | undefined,
): Promise<Float32Array | undefined> {
  const x = new Float32Array(count * unknowns);
  const y = new Float32Array(count * outputs);
  let row = 0;
  for (const part of samples) {
    x.set(part.x, row * unknowns);
    y.set(part.y, row * outputs);
    row += part.x.length / unknowns;
  }
  const ridge = (RIDGE * sumOfSquares(x)) / unknowns;
  if (ridge === 0) return undefined;
  // Inputs and samples change places: with Xᵀ for X and P for Y the normal equations hold X·Xᵀ and X·P.
  const equations = createLeastSquares(count, outputs);
  await equations.add(transpose(x, count, unknowns), prior, unknowns, { signal });
  const residuals = await equations.solve(
    ridge,
    y.map((value) => -value / ridge),
    { signal },
  );
  const solution = tf.tidy(() =>
    tf.sub(
      tf.tensor2d(prior, [unknowns, outputs]),
      tf.matMul(tf.tensor2d(x, [count, unknowns]), tf.tensor2d(residuals, [count, outputs]), true),
    ),
  );
  const data = await solution.data<'float32'>();
  solution.dispose();
  return data;
}

function sumOfSquares(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}

/** Row-major [rows × columns] → [columns × rows]. */
export function transpose(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) result[column * rows + row] = data[row * columns + column] ?? 0;
  return result;
}
