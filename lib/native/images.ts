/** Decoded images as a network takes them. */

import { binding } from './binding.js';
import { type CallOptions, call } from './call.js';

export interface ImageFormat {
  /** Pixels, 1 to 16,384. */
  height: number;
  width: number;
  /** What is written: red, green and blue in this order, or the luma (ITU-R 601) alone. */
  channels: 'RGB' | 'BGR' | 'L';
  /** How an image is written: [channels, height, width] or [height, width, channels]. */
  layout: 'NCHW' | 'NHWC';
  /** Written channel c is pixel · multiply[c] + add[c], for pixels of 0 … 255. */
  multiply: readonly number[];
  add: readonly number[];
}

/** Numbers that tell what changes in one image, in `changes` of `preprocessImages`. */
export const IMAGE_CHANGE_LENGTH = 8;

/**
 * Writes images into a batch, changed on the way where `changes` are given: for each image eight numbers, top, left, height
 * and width of a rectangle in pixels that is scaled up to the whole image (bilinearly, with pixel centres at halves and
 * edges repeated; top is within ± the image's height and left within ± its width, so that it may lie partly outside),
 * 1 where it is mirrored left to right, else 0, and own, grey and offset of a change of colours
 * x ↦ own · x + grey · luma(x) + offset · (mean luma of the scaled image), clamped to 0 … 255. Computed in double.
 *
 * @param pixels [count, height, width, 3], red, green and blue
 * @param out where they go, [count, channels, height, width] or [count, height, width, channels]; on memory of its own
 * @returns `out`
 * @throws TypeError, RangeError naming a wrong argument
 */
export function preprocessImages(
  pixels: Uint8Array,
  count: number,
  format: ImageFormat,
  changes: Float64Array | undefined,
  out: Float32Array,
  options?: CallOptions,
): Promise<Float32Array> {
  return call(options, (token) => binding().preprocessImages(pixels, count, format, changes, out, token));
}
