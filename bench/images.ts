/** Images of noise: what they show does not change how long work takes. */

import type { Batch, BatchSource } from '../lib/data/batch.js';
import { randomInput } from '../test/models/runtime.js';

/** Channels last, labels 0 … `classes` - 1 in turn. */
export function randomImages(samples: number, batchSize: number, size: number, classes = 7): BatchSource {
  const inputs = randomInput([batchSize, size, size, 3], 1);
  const batch: Batch = {
    inputs,
    shape: [batchSize, size, size, 3],
    layout: 'channelsLast',
    labels: Int32Array.from({ length: batchSize }, (_, at) => at % classes),
  };
  return {
    samples,
    batchSize,
    async *batches() {
      for (let at = 0; at < samples; at += batchSize) yield batch;
    },
  };
}
