/** Cached features as batches, opened by where they lie: in the process that made them or in another. */

import { setImmediate } from 'node:timers/promises';
import type { Batch, BatchSource } from '../data/batch.js';
import { TascnetError } from '../errors.js';
import { randomGenerator } from '../graph/random.js';
import type { Layout } from '../ops/operator.js';
import { type FeatureRows, openFeatures } from './feature-file.js';

/** Where the features of a cut lie. Plain data. */
export interface FeatureLocation {
  folder: string;
  train: SplitLocation;
  validation: SplitLocation;
  layout: Layout;
  /** Seeds the order of the training batches. */
  seed: number;
}

export interface SplitLocation {
  key: string;
  batchSize: number;
}

export interface Features {
  train: BatchSource;
  validation: BatchSource;
  close(): void;
}

/**
 * @param inMemory up to how many bytes of each split are held in memory; default: 256 MiB.
 * @throws TascnetError when they are no longer there.
 */
export function openLocated({ folder, train, validation, layout, seed }: FeatureLocation, inMemory?: number): Features {
  const opened: FeatureRows[] = [];
  const open = ({ key, batchSize }: SplitLocation, order: number | undefined): BatchSource => {
    const rows = openFeatures(folder, key, inMemory);
    if (!rows)
      throw new TascnetError(`The features in "${folder}" cannot be read back.`, {
        hint: 'They may have been removed to make room: raise --cache-limit.',
      });
    opened.push(rows);
    return featureBatches(rows, batchSize, layout, order);
  };
  const close = () => {
    for (const rows of opened) rows.close();
  };
  try {
    return { train: open(train, seed), validation: open(validation, undefined), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Epoch e reads view e modulo the number of views, in an order of its own where there is a seed. */
function featureBatches(rows: FeatureRows, batchSize: number, layout: Layout, seed: number | undefined): BatchSource {
  const rowSize = rows.shape.reduce((product, extent) => product * extent, 1);
  const views = rows.labels.length;
  return {
    samples: rows.labels[0]?.length ?? 0,
    batchSize,
    batches: async function* (epoch): AsyncGenerator<Batch> {
      const view = epoch % views;
      const labels = rows.labels[view] ?? [];
      const order = Uint32Array.from(labels, (_, index) => index);
      if (seed !== undefined) randomGenerator(seed, 'features', epoch).shuffle(order);
      for (let start = 0; start < order.length; start += batchSize) {
        const indices = order.subarray(start, start + batchSize);
        const inputs = new Float32Array(indices.length * rowSize);
        for (const [row, index] of indices.entries()) rows.read(view, index, inputs, row * rowSize);
        // Nothing else in a trial gives the event loop a turn, in which Ctrl-C is heard.
        await setImmediate();
        yield {
          inputs,
          shape: [indices.length, ...rows.shape],
          layout: rows.shape.length >= 2 ? layout : 'plain',
          labels: Int32Array.from(indices, (index) => labels[index] ?? -1),
        };
      }
    },
  };
}
