/** What a convolution or dense layer reads and makes at sampled positions, as rows of a matrix. */

import type { RandomGenerator } from '../graph/random.js';
import type { LinearLayer } from '../ops/operator.js';

/** The patch that an output position reads. */
type Patch = Pick<LinearLayer, 'kernel' | 'strides' | 'dilations' | 'pads'>;

export interface Volume {
  /** Row-major [N, C, H, W]. */
  data: Float32Array;
  dims: [number, number, number, number];
}

/** Output positions of a map of `positions`, `count` of them, without repeats where there are enough. */
export function samplePositions(positions: number, count: number, random: RandomGenerator): Int32Array {
  const all = Int32Array.from({ length: positions }, (_, index) => index);
  return count >= positions ? all : random.shuffle(all).slice(0, count).sort();
}

/**
 * The inputs of a convolution at output positions: one row [C·kh·kw] for each image and position, in the order of an
 * OIHW weight's last three axes. Padding is zero.
 */
export function inputRows(
  { data, dims: [n, c, h, w] }: Volume,
  patch: Patch,
  outWidth: number,
  at: Int32Array,
): Float32Array {
  const { kernel, strides, dilations, pads } = patch;
  const [kh, kw] = kernel;
  const rows = new Float32Array(n * at.length * c * kh * kw);
  let write = 0;
  for (let image = 0; image < n; image++)
    for (const position of at) {
      const top = Math.floor(position / outWidth) * strides[0] - pads[0];
      const left = (position % outWidth) * strides[1] - pads[1];
      for (let channel = 0; channel < c; channel++) {
        const plane = (image * c + channel) * h * w;
        for (let i = 0; i < kh; i++) {
          const y = top + i * dilations[0];
          for (let j = 0; j < kw; j++, write++) {
            const x = left + j * dilations[1];
            if (y >= 0 && y < h && x >= 0 && x < w) rows[write] = data[plane + y * w + x] ?? 0;
          }
        }
      }
    }
  return rows;
}

/** The outputs of some channels at output positions, less `bias`: one row [channels] for each image and position. */
export function outputRows(
  { data, dims: [n, c, h, w] }: Volume,
  channels: Int32Array,
  at: Int32Array,
  bias?: Float32Array,
): Float32Array {
  const rows = new Float32Array(n * at.length * channels.length);
  let write = 0;
  for (let image = 0; image < n; image++)
    for (const position of at)
      for (const channel of channels)
        rows[write++] = (data[(image * c + channel) * h * w + position] ?? 0) - (bias?.[channel] ?? 0);
  return rows;
}
