/** The shapes of VGG-16's weights, and made-up values for them. */

import { randomGenerator } from '../lib/graph/random.js';

const CHANNELS = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512];

export const VGG_CONVOLUTIONS = CHANNELS.map((channels, layer) => [channels, CHANNELS[layer - 1] ?? 3, 3, 3]);
export const VGG_DENSE = [
  [4096, 25088],
  [4096, 4096],
  [1000, 4096],
];

export function weightsOf(dims: readonly number[]): Float32Array {
  const random = randomGenerator(`bench ${dims}`);
  const size = dims.reduce((product, extent) => product * extent, 1);
  const data = new Float32Array(size);
  const block = Float32Array.from({ length: Math.min(size, 65_537) }, () => random.next() - 0.5);
  for (let at = 0; at < size; at += block.length) data.set(block.subarray(0, Math.min(block.length, size - at)), at);
  return data;
}

/** As an epoch of training would. */
export function changeWeights(data: Float32Array, epoch: number): void {
  for (let at = epoch; at < data.length; at += 64) data[at] = (data[at] ?? 0) * 1.01;
}
