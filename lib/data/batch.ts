/** What training and validation read: batches of samples, without a word of where they come from. */

import type { Layout } from '../ops/operator.js';

export interface Batch {
  /** The elements of all samples, row-major in the order of `shape`. Owned by the reader: never written to again. */
  inputs: Float32Array;
  /** Batch first, in physical order: [N, C, H, W] when `layout` is plain, [N, H, W, C] when it is channelsLast. */
  shape: number[];
  layout: Layout;
  /** The class index of each sample. */
  labels: Int32Array;
}

export interface BatchSource {
  /** How many samples one epoch has. */
  samples: number;
  /** How many samples a batch has; the last one may have less. */
  batchSize: number;
  /** The batches of an epoch (0, 1, …). The same epoch of the same source always gives the same batches. */
  batches(epoch: number): AsyncIterable<Batch>;
}

/** The source whose epoch 0 is epoch `first` of this one, for a training that goes on where another ended. */
export function fromEpoch(source: BatchSource, first: number): BatchSource {
  return { ...source, batches: (epoch) => source.batches(first + epoch) };
}
