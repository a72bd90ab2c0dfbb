/** Pixels of many images to a network's input, on the addon's threads. */

import { IMAGE_CHANGE_LENGTH, type ImageFormat, preprocessImages } from '../native.js';
import type { ColourChange, Crop } from './augment.js';
import type { Preprocessing } from './preprocessing.js';

/** What happens to one image. */
export interface ImageChange {
  crop: Crop;
  colour: ColourChange | undefined;
}

/** @param channelsLast whether images are written as [height, width, channels] rather than [channels, height, width]. */
export function imageFormat({ size, channels, scale, mean, std }: Preprocessing, channelsLast: boolean): ImageFormat {
  const [height, width] = size;
  return {
    height,
    width,
    channels,
    layout: channelsLast ? 'NHWC' : 'NCHW',
    multiply: std.map((deviation) => scale / deviation),
    add: mean.map((value, channel) => -value / (std[channel] ?? 1)),
  };
}

/**
 * Writes a batch of images.
 * @param pixels height · width · 3 bytes of image `row`, valid until the next call.
 * @param changes one for each image, or none at all.
 */
export async function writeImages(
  format: ImageFormat,
  count: number,
  pixels: (row: number) => Uint8Array,
  changes: readonly ImageChange[] | undefined,
  out: Float32Array,
): Promise<void> {
  const size = format.height * format.width * 3;
  const all = new Uint8Array(count * size);
  for (let row = 0; row < count; row++) all.set(pixels(row), row * size);
  await preprocessImages(all, count, format, changes && numbersOf(changes), out);
}

function numbersOf(changes: readonly ImageChange[]): Float64Array {
  const numbers = new Float64Array(changes.length * IMAGE_CHANGE_LENGTH);
  for (const [row, { crop, colour }] of changes.entries()) {
    const { top, left, height, width, flip } = crop;
    const { own, grey, offset } = colour ?? { own: 1, grey: 0, offset: 0 };
    numbers.set([top, left, height, width, flip ? 1 : 0, own, grey, offset], row * IMAGE_CHANGE_LENGTH);
  }
  return numbers;
}
