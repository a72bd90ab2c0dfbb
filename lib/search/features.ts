/**
 * What the frozen prefix makes of the data: computed once in ONNX Runtime, kept on disk by the content of prefix and
 * data, and read as batches by every trial.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Batch, BatchSource } from '../data/batch.js';
import { cacheDirectory } from '../data/cache-directory.js';
import { TascnetError, throwIfAborted } from '../errors.js';
import { encodeOnnx } from '../formats/onnx/index.js';
import type { Graph } from '../graph/graph.js';
import { randomGenerator } from '../graph/random.js';
import type { Layout } from '../ops/operator.js';
import { openRuntime } from '../validate/runtime.js';
import { prefixOf } from './cut.js';
import { createFeatures, type FeatureRows, keyOfParts, openFeatures } from './feature-file.js';

export interface SearchData {
  /** In the order and with the augmentation of training: view v of the features is its epoch v. */
  train: BatchSource;
  validation: BatchSource;
  /**
   * Tells the contents of both from those of any other data: files, preprocessing, augmentation, seed. Without it the
   * batches themselves are hashed, which takes one more pass over them.
   */
  fingerprint?: string | undefined;
}

export interface FeatureOptions {
  /** Augmented views of the training data; 1 when it is not augmented. */
  views: number;
  /** Seeds the order of the training batches. */
  seed: number;
  /** Where features are kept; default: `features` in the cache directory. */
  folder?: string | undefined;
  threads?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface Features {
  train: BatchSource;
  validation: BatchSource;
  /** They were on disk already. */
  cached: boolean;
  close(): void;
}

/**
 * The features at `cut`. The data itself where that is the input of the graph.
 * @throws TascnetError when ONNX Runtime refuses the prefix or the cache cannot be written; Interrupted.
 */
export async function featuresAt(
  graph: Graph,
  cut: string,
  data: SearchData,
  options: FeatureOptions,
): Promise<Features> {
  if (graph.inputs.some(({ name }) => name === cut))
    return { train: data.train, validation: data.validation, cached: false, close: () => undefined };
  const folder = options.folder ?? cacheDirectory('features');
  const layout = await layoutOf(data.validation);
  const prefix = encodeOnnx(prefixOf(graph, cut, layout === 'channelsLast'));
  const splits = [
    { source: data.train, views: options.views, name: 'train' },
    { source: data.validation, views: 1, name: 'validation' },
  ];
  const total = splits.reduce((sum, { source, views }) => sum + source.samples * views, 0);
  let done = 0;
  let cached = true;
  const opened: FeatureRows[] = [];
  try {
    for (const { source, views, name } of splits) {
      const fingerprint = data.fingerprint ?? (await hashOf(source, views, options.signal));
      const key = keyOfParts(prefix, fingerprint, `${name} ${views} ${layout}`);
      let rows = openFeatures(folder, key);
      if (!rows) {
        cached = false;
        const before = done;
        await compute(prefix, source, views, createFeatures(folder, key), {
          ...options,
          onProgress: (count) => options.onProgress?.(before + count, total),
        });
        rows = openFeatures(folder, key);
      }
      if (!rows) throw new TascnetError(`The features in "${folder}" cannot be read back.`);
      done += source.samples * views;
      opened.push(rows);
    }
  } catch (error) {
    for (const rows of opened) rows.close();
    throw error;
  }
  const [train, validation] = opened;
  if (!train || !validation) throw new TascnetError('There are no features.');
  return {
    train: featureBatches(train, data.train.batchSize, layout, options.seed),
    validation: featureBatches(validation, data.validation.batchSize, layout, undefined),
    cached,
    close: () => {
      train.close();
      validation.close();
    },
  };
}

async function layoutOf(source: BatchSource): Promise<Layout> {
  for await (const { layout } of source.batches(0)) return layout;
  throw new TascnetError('There is no sample to search with.');
}

async function hashOf(source: BatchSource, views: number, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for (let view = 0; view < views; view++)
    for await (const { inputs, shape, labels } of source.batches(view)) {
      throwIfAborted(signal);
      hash.update(JSON.stringify([view, shape]));
      hash.update(new Uint8Array(inputs.buffer, inputs.byteOffset, inputs.byteLength));
      hash.update(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength));
    }
  return hash.digest('hex');
}

async function compute(
  prefix: Uint8Array,
  source: BatchSource,
  views: number,
  writer: ReturnType<typeof createFeatures>,
  { threads = 0, signal, onProgress }: FeatureOptions,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tascnet-prefix-'));
  let finished = false;
  try {
    const path = join(folder, 'prefix.onnx');
    writeFileSync(path, prefix);
    const runtime = await openRuntime({ threads, signal });
    try {
      const model = await runtime.load(path);
      const labels: number[][] = [];
      let shape: number[] = [];
      let done = 0;
      for (let view = 0; view < views; view++) {
        const ofView: number[] = [];
        labels.push(ofView);
        for await (const batch of source.batches(view)) {
          throwIfAborted(signal);
          const [features] = await model.run([{ data: batch.inputs, dims: batch.shape }]);
          if (features?.dims[0] !== batch.labels.length)
            throw new TascnetError(
              `The frozen part gives a shape of [${features?.dims}] for ${batch.labels.length} samples.`,
            );
          shape = features.dims.slice(1);
          writer.write(features.data);
          ofView.push(...batch.labels);
          done += batch.labels.length;
          onProgress?.(done, source.samples * views);
        }
      }
      writer.finish({ shape, labels });
      finished = true;
    } finally {
      runtime.close();
    }
  } finally {
    if (!finished) writer.abandon();
    rmSync(folder, { recursive: true, force: true });
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
