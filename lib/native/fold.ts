/** Batch normalisation y = scale · (x − mean) / √(variance + epsilon) + shift, folded into the layer before it and back. */

import { binding, type FoldedLayer } from './binding.js';
import { type CallOptions, call } from './call.js';

export type { FoldedLayer };

export interface FoldOptions extends CallOptions {
  /** That of the output channels in `weight`; default: 0. */
  axis?: number | undefined;
  /**
   * Where the result goes, which is this object then; new arrays when left out. On memory that no other array of the call
   * shares. Memory that is used again saves the page faults of new memory, and its clearing away, which the event loop waits
   * for. Its contents are undefined when the promise is rejected.
   */
  out?: FoldedLayer | undefined;
}

/**
 * The weight and bias that compute the layer and the batch norm behind it in one: weight · f and (bias − mean) · f + shift
 * with f = scale / √(variance + epsilon), computed in double.
 *
 * @param weight row-major of shape `dims`; not changed
 * @param bias one number per output channel, as are the four after it; undefined means zeros
 * @throws RangeError naming the channel where variance + epsilon is not above 0
 */
export function foldBatchNorm(
  weight: Float32Array,
  dims: readonly number[],
  bias: Float32Array | undefined,
  scale: Float32Array,
  shift: Float32Array,
  mean: Float32Array,
  variance: Float32Array,
  epsilon: number,
  options?: FoldOptions,
): Promise<FoldedLayer> {
  const axis = options?.axis ?? 0;
  return call(options, (token) =>
    binding().foldBatchNorm(weight, dims, axis, bias, scale, shift, mean, variance, epsilon, token, options?.out),
  );
}

/**
 * The inverse: the weight and bias which, followed by this batch norm, compute what the given ones compute alone. With
 * scale = √(variance + epsilon) and shift = mean the batch norm is the identity and they stay as they are.
 *
 * @throws RangeError naming a channel whose scale is 0: such a batch norm cannot be undone
 */
export function unfoldBatchNorm(
  weight: Float32Array,
  dims: readonly number[],
  bias: Float32Array | undefined,
  scale: Float32Array,
  shift: Float32Array,
  mean: Float32Array,
  variance: Float32Array,
  epsilon: number,
  options?: FoldOptions,
): Promise<FoldedLayer> {
  const axis = options?.axis ?? 0;
  return call(options, (token) =>
    binding().unfoldBatchNorm(weight, dims, axis, bias, scale, shift, mean, variance, epsilon, token, options?.out),
  );
}
