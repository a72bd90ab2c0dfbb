/**
 * What the frozen prefix makes of the data: computed once in ONNX Runtime, kept on disk by the content of prefix and
 * data, and read as batches by every trial.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BatchSource } from '../data/batch.js';
import { cacheDirectory } from '../data/cache-directory.js';
import { TascnetError, throwIfAborted } from '../errors.js';
import { encodeOnnx } from '../formats/onnx/index.js';
import type { Graph } from '../graph/graph.js';
import type { Layout } from '../ops/operator.js';
import type { WireTensor } from '../validate/protocol.js';
import { openRuntime } from '../validate/runtime.js';
import { prefixOf } from './cut.js';
import { type FeatureLocation, type Features, openLocated, type SplitLocation } from './feature-batches.js';
import { createFeatures, type FeatureStorage, keyOfParts, openFeatures } from './feature-file.js';

export interface SearchData {
  /** In the order and with the augmentation of training: view v of the features is its epoch v. */
  train: BatchSource;
  validation: BatchSource;
  /**
   * Tells the contents of both from those of any other data: files, preprocessing, augmentation, seed. Without it the
   * batches themselves are hashed, which takes one more pass over them.
   */
  fingerprint?: string | undefined;
  /** The same images at another height and width, for a search that tries several. */
  atSize?: ((size: number) => Promise<SearchData>) | undefined;
}

export interface FeatureOptions {
  /** Augmented views of the training data; 1 when it is not augmented. */
  views: number;
  /** Seeds the order of the training batches. */
  seed: number;
  /** Where features are kept; default: `features` in the cache directory. */
  folder?: string | undefined;
  /** How they are kept. Default: float32, 20 GiB in all. */
  storage?: Partial<Pick<FeatureStorage, 'dtype' | 'limit'>> | undefined;
  /** Other processes will read them, so that the data itself is kept too where the cut is the graph's input. */
  shared?: boolean | undefined;
  threads?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface PreparedFeatures extends Features {
  /** They were on disk already. */
  cached: boolean;
  /** Where they can be opened again; undefined where they are the data itself. */
  location: FeatureLocation | undefined;
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
): Promise<PreparedFeatures> {
  const whole = graph.inputs.some(({ name }) => name === cut);
  if (whole && !options.shared)
    return {
      train: data.train,
      validation: data.validation,
      cached: false,
      location: undefined,
      close: () => undefined,
    };
  const { folder = cacheDirectory('features'), seed, storage = {} } = options;
  // Token ids are whole numbers, of which half a float tells too few apart.
  const ids = graph.inputs.some(({ name, dtype }) => name === cut && dtype !== 'float32');
  const { dtype = 'float32' } = ids ? {} : storage;
  const layout = await layoutOf(data.validation);
  const prefix = whole ? undefined : encodeOnnx(prefixOf(graph, cut, layout === 'channelsLast'));
  const splits = [
    { source: data.train, views: options.views, name: 'train' },
    { source: data.validation, views: 1, name: 'validation' },
  ];
  const total = splits.reduce((sum, { source, views }) => sum + source.samples * views, 0);
  let done = 0;
  let cached = true;
  const located: SplitLocation[] = [];
  for (const { source, views, name } of splits) {
    const fingerprint = data.fingerprint ?? (await hashOf(source, views, options.signal));
    const key = keyOfParts(prefix ?? 'the data itself', fingerprint, `${name} ${views} ${layout} ${dtype}`);
    const found = openFeatures(folder, key, 0);
    found?.close();
    if (!found) {
      cached = false;
      const before = done;
      const keep = located.map((other) => other.key);
      await compute(prefix, source, views, createFeatures(folder, key, { ...storage, dtype, keep }), {
        ...options,
        onProgress: (count) => options.onProgress?.(before + count, total),
      });
    }
    done += source.samples * views;
    located.push({ key, batchSize: source.batchSize });
  }
  const [train, validation] = located;
  if (!train || !validation) throw new TascnetError('There are no features.');
  const location: FeatureLocation = { folder, train, validation, layout, seed };
  // Who shares them reads them elsewhere: nothing of them need be in memory here.
  return { ...openLocated(location, options.shared ? 0 : undefined), cached, location };
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

type Run = (inputs: WireTensor) => Promise<WireTensor | undefined>;

async function compute(
  prefix: Uint8Array | undefined,
  source: BatchSource,
  views: number,
  writer: ReturnType<typeof createFeatures>,
  options: FeatureOptions,
): Promise<void> {
  let finished = false;
  try {
    if (prefix) await withPrefix(prefix, options, (run) => fill(run, source, views, writer, options));
    else await fill((inputs) => Promise.resolve(inputs), source, views, writer, options);
    finished = true;
  } finally {
    if (!finished) writer.abandon();
  }
}

async function withPrefix(
  prefix: Uint8Array,
  { threads = 0, signal }: FeatureOptions,
  work: (run: Run) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tascnet-prefix-'));
  try {
    const path = join(folder, 'prefix.onnx');
    writeFileSync(path, prefix);
    const runtime = await openRuntime({ threads, signal });
    try {
      const model = await runtime.load(path);
      await work(async (inputs) => (await model.run([inputs]))[0]);
    } finally {
      runtime.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(
  run: Run,
  source: BatchSource,
  views: number,
  writer: ReturnType<typeof createFeatures>,
  { signal, onProgress }: FeatureOptions,
): Promise<void> {
  const labels: number[][] = [];
  let shape: number[] = [];
  let done = 0;
  for (let view = 0; view < views; view++) {
    const ofView: number[] = [];
    labels.push(ofView);
    for await (const batch of source.batches(view)) {
      throwIfAborted(signal);
      const features = await run({ data: batch.inputs, dims: batch.shape });
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
}
