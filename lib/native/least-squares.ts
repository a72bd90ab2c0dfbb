/** Least squares from streamed samples: the weights of a layer solved again after its inputs were cut. */

import { binding, type DType, type Handle, type Weights } from './binding.js';
import { type CallOptions, call, Queue } from './call.js';
import { comparisons } from './device.js';

/**
 * Made by `createLeastSquares`. Keeps XᵀX and XᵀY in double (8 · inputs · (inputs + outputs) bytes), however many samples
 * are added. Calls on one of them run in the order in which they were made.
 */
export class LeastSquares {
  readonly #handle: Handle;
  readonly #queue = new Queue();
  #samples = 0;
  readonly inputs: number;
  readonly outputs: number;

  /** @internal */
  constructor(inputs: number, outputs: number) {
    this.#handle = binding().regressCreate(inputs, outputs);
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /** How many samples were added. */
  get samples(): number {
    return this.#samples;
  }

  /**
   * Adds samples. Many at a time (hundreds or more) run at the speed of a float32 matrix product. The arrays are read
   * until the promise settles. When it is rejected, nothing was added.
   *
   * @param x count × inputs, row-major
   * @param y count × outputs, row-major, of the same dtype
   * @param options `dtype`: both hold half precision, as Uint16Array
   * @throws TypeError, RangeError naming a wrong argument, or the column when a value is not finite
   */
  add(x: Weights, y: Weights, count: number, options?: CallOptions & { dtype?: DType | undefined }): Promise<void> {
    return this.#queue.run(async () => {
      const work = comparisons([count, this.inputs], 1);
      await call(options, (token) => binding().regressAdd(this.#handle, x, y, count, token, options?.dtype), work);
      this.#samples += count;
    });
  }

  /**
   * The W that minimises ‖X·W − Y‖² + ridge · ‖W − prior‖² over all samples, by Cholesky factorisation in double. More
   * samples may be added afterwards.
   *
   * @param ridge at least 0, on the scale of XᵀX (a small multiple of its mean diagonal is usual)
   * @param prior inputs × outputs, row-major, to be kept near; zeros when left out
   * @returns inputs × outputs, row-major
   * @throws RangeError when XᵀX + ridge · I is not positive definite: pass a larger ridge
   */
  solve(ridge: number, prior?: Float32Array | undefined, options?: CallOptions): Promise<Float32Array> {
    return this.#queue.run(() => call(options, (token) => binding().regressSolve(this.#handle, ridge, prior, token)));
  }
}

/**
 * Normal equations of a linear map from `inputs` (at most 16,384) to `outputs` (at most 65,536) numbers. For a bias, give
 * X a column of ones.
 *
 * @throws TypeError, RangeError naming a wrong argument, or where there is no memory
 */
export function createLeastSquares(inputs: number, outputs: number): LeastSquares {
  return new LeastSquares(inputs, outputs);
}
