/** Taking channels out of tensors. */

import { binding, type DType } from './binding.js';
import { type CallOptions, call } from './call.js';

/** The typed arrays that hold tensors; float16 and bfloat16 travel as Uint16Array. */
export type Numbers =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** What stays along one axis. */
export interface AxisCut {
  axis: number;
  /** The indices that stay, in the order of the result; each at most once. */
  keep: Int32Array;
  /**
   * Pairs [from, into]: the slice `from`, which is removed, is added onto the slice `into`, which is kept; both count
   * before the cut. For Float32Array, Float64Array and, with the cut's `dtype`, half precision, where each sum is made in
   * float32 and rounded to nearest, ties to even.
   */
  merge?: readonly (readonly [from: number, into: number])[] | undefined;
}

/** The cut of one tensor, along several axes at once. */
export interface Cut<T extends Numbers = Numbers> {
  /** Row-major, as many elements as the product of `dims`. Not changed. */
  data: T;
  dims: readonly number[];
  /** What the numbers of a Uint16Array are; only merges need to know. */
  dtype?: DType | undefined;
  /** Each axis at most once. With none the tensor is copied. */
  axes: readonly AxisCut[];
  /**
   * Where the result goes; a new array when left out. Of the same type as `data`, as many elements as are kept, on memory
   * that no other array of the call shares. Memory that is used again saves the page faults of new memory, which take
   * most of the time of a large cut. Its contents are undefined when the promise is rejected.
   */
  out?: T | undefined;
}

/**
 * Cuts many tensors in one call, shared out over all threads.
 *
 * @returns the cut tensors, in the order of `cuts`, each of its data's type, row-major, of shape `dims` with the lengths
 * of the keep lists in place. They share no memory with `data`.
 * @throws TypeError, RangeError naming what is wrong, such as `cuts[3].axes[0].keep[7]`; nothing was done then
 */
export function applySurgery<T extends Numbers>(cuts: readonly Cut<T>[], options?: CallOptions): Promise<T[]> {
  return call(options, (token) => binding().applySurgery(cuts, token) as Promise<unknown> as Promise<T[]>, 0);
}
