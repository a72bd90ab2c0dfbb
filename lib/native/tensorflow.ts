/** Kernels for the TensorFlow that a process has loaded. */

import { binding } from './binding.js';

/**
 * Gives the TensorFlow that this process has loaded (`@tensorflow/tfjs-node`) operations that are quicker on its CPU device
 * than its own, once; a backend of tfjs-node runs them by name. All are of float32, with channels on the last axis:
 *
 * - `TascnetBatchNorm(x, scale, bias; epsilon)` → y, mean, variance (that of the population)
 * - `TascnetBatchNormGrad(dy, x, scale, mean, variance; epsilon)` → dx, dscale, dbias
 * - `TascnetDepthwise(x, filter; sliding, extents)` → y, of height and width `extents`
 * - `TascnetDepthwiseInputGrad(dy, filter; sliding, extents)` → dx
 * - `TascnetDepthwiseFilterGrad(x, dy; sliding, extents)` → dfilter
 *
 * Batch norm takes x of any number of axes. Of a depthwise convolution x is [batch, height, width, channels], the filter
 * [height, width, channels, 1], and `sliding` six integers: strides, dilations and the padding above and to the left.
 *
 * @returns why it could not: no TensorFlow is loaded, it is one without the C functions for this, or the system is not Linux
 */
export function registerTensorflowKernels(): string | undefined {
  return binding().registerTensorflowKernels();
}
