/** Scores of channels by their weights, and choices made from scores. */

import { binding, type DType, type PairArrays, type Weights } from './binding.js';
import { type CallOptions, call } from './call.js';
import { requireTypedArray } from './check.js';
import { comparisons } from './device.js';

export type { DType, Weights };

/** How weights lie in their array. */
export interface WeightLayout {
  /**
   * `float16` is IEEE half precision, `bfloat16` the upper half of a float32: the array is a Uint16Array of their bits,
   * widened while it is read. `float32`, a Float32Array, when left out.
   */
  dtype?: DType | undefined;
  /**
   * Along each axis, elements from one index to the next; row-major when left out. With it the array may hold more than
   * the tensor (a slice or a transposed view of another), but not less than the product of `dims`. What does not lie row
   * after row is copied first, into memory of the addon's own.
   */
  strides?: readonly number[] | undefined;
}

export interface WeightOptions extends CallOptions, WeightLayout {}

/** `l2` is the square root of `sumSquares`; `linf` the largest magnitude. */
export type NormKind = 'l1' | 'l2' | 'linf' | 'sumSquares';

/**
 * The norm of every channel of a tensor: of all elements that share an index along `axis`.
 *
 * @param tensor row-major, as many elements as the product of `dims`
 * @param dims the shape, 1 to 16 extents
 * @param axis the channels' axis: 0 for the filters of a Conv (OIHW) or the neurons of a Gemm with `transB`
 * @returns `dims[axis]` numbers, summed in double. A channel without elements has 0; NaN stays NaN.
 * @throws TypeError, RangeError naming a wrong argument
 */
export function norms(
  tensor: Weights,
  dims: readonly number[],
  axis: number,
  kind: NormKind,
  options?: WeightOptions,
): Promise<Float64Array> {
  return call(
    options,
    (token) => binding().norms(tensor, dims, axis, kind, token, options?.dtype, options?.strides),
    0,
  );
}

/** A tensor and the axis of its channels, as `norms` takes them. */
export interface ChannelTensor extends WeightLayout {
  /** As many elements as the product of `dims`, row-major, unless `strides` says otherwise. */
  data: Weights;
  /** 1 to 16 extents. */
  dims: readonly number[];
  axis: number;
}

/**
 * `norms` of many tensors in one call: for the layers of a network several times as quick as one call for each.
 *
 * @returns for each tensor, in order, `dims[axis]` numbers
 * @throws TypeError, RangeError naming what is wrong, such as `tensors[3].axis`; nothing was done then
 */
export function normsOfAll(
  tensors: readonly ChannelTensor[],
  kind: NormKind,
  options?: CallOptions,
): Promise<Float64Array[]> {
  return call(options, (token) => binding().normsOfAll(tensors, kind, token), 0);
}

/**
 * The importance of the channels of a batch normalisation: the magnitude of its scale γ (Liu et al. 2017).
 *
 * @param scale one number per channel
 * @returns as many numbers
 * @throws TypeError, RangeError naming a wrong argument
 */
export async function batchNormScale(
  scale: Weights,
  options?: CallOptions & { dtype?: DType | undefined },
): Promise<Float64Array> {
  requireTypedArray(scale, 'scale', 'a Float32Array');
  return norms(scale, [scale.length], 0, 'l1', options);
}

/**
 * First-order Taylor importance (Molchanov et al. 2019): per channel the sum of weight · gradient over its elements, as it
 * is (`signed`, for adding up over the tensors of a group), its magnitude, or its square (the default).
 *
 * @param weight row-major, as many elements as the product of `dims`
 * @param gradient of the loss by `weight`, of the same shape, dtype and strides
 * @returns `dims[axis]` numbers, summed in double
 * @throws TypeError, RangeError naming a wrong argument
 */
export function taylor(
  weight: Weights,
  gradient: Weights,
  dims: readonly number[],
  axis: number,
  options?: WeightOptions & { kind?: 'signed' | 'absolute' | 'squared' | undefined },
): Promise<Float64Array> {
  const kind = options?.kind ?? 'squared';
  const { dtype, strides } = options ?? {};
  return call(options, (token) => binding().taylor(weight, gradient, dims, axis, kind, token, dtype, strides), 0);
}

/**
 * FPGM (He et al. 2019, equation 4): per channel the sum of its Euclidean distances to all channels; the least is nearest
 * to the geometric median and the one that the others replace best. Takes dims[axis]² doubles of scratch memory; at most
 * 16,384 channels.
 *
 * @param tensor row-major, as many elements as the product of `dims`
 * @param dims the shape, 1 to 16 extents
 * @returns `dims[axis]` numbers
 * @throws TypeError, RangeError naming a wrong argument
 */
export function geometricMedian(
  tensor: Weights,
  dims: readonly number[],
  axis: number,
  options?: WeightOptions,
): Promise<Float64Array> {
  return call(
    options,
    (token) => binding().geometricMedian(tensor, dims, axis, token, options?.dtype, options?.strides),
    comparisons(dims, axis),
  );
}

/**
 * LAMP (Lee et al. 2021, equation 4), with channels in place of weights: the squared norm of a channel over the sum of
 * those of its tensor that are at least as large, in 0 … 1 and comparable between layers; the largest has 1. Of equal
 * channels that of larger index counts as the larger. All are 0 where the tensor is zero, and NaN where it holds a NaN.
 *
 * @param tensor row-major, as many elements as the product of `dims`
 * @param dims the shape, 1 to 16 extents
 * @returns `dims[axis]` numbers
 * @throws TypeError, RangeError naming a wrong argument
 */
export function lamp(
  tensor: Weights,
  dims: readonly number[],
  axis: number,
  options?: WeightOptions,
): Promise<Float64Array> {
  return call(options, (token) => binding().lamp(tensor, dims, axis, token, options?.dtype, options?.strides), 0);
}

/**
 * Pairs of channels, most similar first: pair i is `first[i]` < `second[i]`, with cosine `similarity[i]`. Equally similar
 * pairs stand in ascending order of their channels.
 */
export type ChannelPairs = PairArrays;

/**
 * The k most similar pairs of channels, by cosine, from the matrix of their products G = X·Xᵀ. A channel that is zero
 * everywhere has similarity 0 with all.
 *
 * @param gram n × n, symmetric, finite; the part on and above the diagonal is read
 * @param k how many; fewer are returned when there are fewer pairs
 * @throws RangeError when a product is not finite or a square is negative
 */
export function cosinePairs(gram: Float64Array, n: number, k: number, options?: CallOptions): Promise<ChannelPairs> {
  return call(options, (token) => binding().cosinePairs(gram, n, k, token));
}

/**
 * The indices of the `count` lowest scores, lowest first, equal ones in ascending order: what to remove when a score
 * means importance.
 *
 * @param count all of them when left out
 * @throws RangeError when a score is NaN, naming its index
 */
export function rankChannels(
  scores: Float64Array,
  count?: number | undefined,
  options?: CallOptions,
): Promise<Int32Array> {
  return call(options, (token) => binding().rankChannels(scores, count, token));
}
