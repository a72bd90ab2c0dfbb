/** The decoded pixels of a dataset: made once, kept on disk, read back in one go. */

import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Interrupted, messageOf, TascnetError } from '../errors.js';
import { cacheDirectory } from './cache-directory.js';
import { CACHE_LIMIT, touch, trimCache } from './cache-limit.js';
import { concurrently } from './concurrently.js';
import { type Dataset, type Sample, type Skipped, SPLITS, type Split } from './dataset.js';
import { decodeImage, imageLibrary, type PixelFormat } from './decode.js';
import { createPixelFile, type PixelFileWriter, type PixelTrailer, readPixelFile } from './pixel-file.js';
import { shown } from './scan.js';

/** The images of one split that could be decoded. */
export interface PixelSplit {
  /** Height and width in pixels. */
  size: readonly [number, number];
  samples: Sample[];
  /** The RGB pixels of `samples[index]`, height · width · 3 bytes; valid until the next call. */
  pixels(index: number): Uint8Array;
}

export interface Pixels extends Record<Split, PixelSplit> {
  /** The dataset without the files that could not be decoded: count classes and samples on this one. */
  dataset: Dataset;
  /** The files that could not be decoded, and why; part of `dataset.skipped` too. */
  corrupt: Skipped[];
  /** Whether the pixels came from the cache. */
  cached: boolean;
  /** Closes the cache file, where pixels are read from it as they are needed. */
  close(): void;
}

export interface LoadPixelsOptions extends PixelFormat {
  /** The folder of the cache; default: `pixels` in the cache directory. */
  cache?: string | undefined;
  /** How many images are decoded at a time; default: the number of cores. */
  jobs?: number | undefined;
  /** More bytes than this are not held in memory, but read from the cache file as needed. Default: half the free memory. */
  memoryLimit?: number | undefined;
  /** Bytes that the cache may take; what was used longest ago goes first. Default: 20 GiB. */
  cacheLimit?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Told when the cache cannot be written, which costs time, but stops nothing. */
  onWarning?: ((message: string) => void) | undefined;
}

/** The largest share of a dataset that may be corrupt. */
export const MAX_CORRUPT_SHARE = 0.05;

/** A single buffer must stay below what every supported Node can allocate. */
const MAX_BUFFER_BYTES = 2 ** 32 - 2 ** 20;

/** Raised when a decoder's output changes, so that older caches are not read. */
const CACHE_VERSION = 1;

/**
 * Decodes all images of a dataset to one size, or reads them from the cache, whose key is made of the files' names,
 * contents and times of change, the size and the resize mode. A damaged cache is made again.
 * @throws TascnetError when more than 5 % of the files are corrupt or a class has none left to train on; Interrupted.
 */
export async function loadPixels(dataset: Dataset, options: LoadPixelsOptions): Promise<Pixels> {
  const samples = SPLITS.flatMap((split) => dataset[split]).sort((a, b) => (a.file < b.file ? -1 : 1));
  const [height, width] = options.size;
  const rowBytes = height * width * 3;
  const bytes = samples.length * rowBytes;
  const key = cacheKey(samples, options);
  const cache = options.cache ?? cacheDirectory('pixels');
  const path = join(cache, `${key}.pixels`);
  const limit = Math.min(options.memoryLimit ?? process.availableMemory() / 2, MAX_BUFFER_BYTES);
  const memory = bytes <= limit ? new Uint8Array(bytes) : undefined;

  const found = await readPixelFile(path, samples.length, rowBytes, memory);
  const failures =
    found?.failures ??
    (memory
      ? await decodeToMemory(dataset.root, samples, memory, path, options)
      : await decodeToFile(dataset.root, samples, rowBytes, path, options));

  if (found) touch(path);
  else if (existsSync(path)) trimCache(cache, options.cacheLimit ?? CACHE_LIMIT, [key]);

  const corrupt = failures.map(([row, reason]) => ({ file: samples[row]?.file ?? '', reason }));
  checkCorrupt(dataset, corrupt, samples.length);
  const readable = withoutCorrupt(dataset, corrupt);
  const reader = memory ? memoryReader(memory, rowBytes) : fileReader(path, rowBytes);
  const rowOf = new Map(samples.map(({ file }, row) => [file, row]));
  const splitOf = (split: Split): PixelSplit => {
    const rows = readable[split].map(({ file }) => rowOf.get(file) ?? -1);
    return { size: options.size, samples: readable[split], pixels: (index) => reader.row(rows[index] ?? -1) };
  };
  return {
    dataset: readable,
    corrupt,
    cached: found !== undefined,
    train: splitOf('train'),
    validation: splitOf('validation'),
    test: splitOf('test'),
    close: reader.close,
  };
}

function cacheKey(samples: readonly Sample[], { size, resize }: PixelFormat): string {
  const hash = createHash('sha256').update(JSON.stringify([CACHE_VERSION, ...size, resize]));
  for (const { file, content, modified } of samples) hash.update(`\n${JSON.stringify([file, content, modified])}`);
  return hash.digest('hex').slice(0, 40);
}

type Failures = PixelTrailer['failures'];

/** Decodes every sample and hands its row to `keep`; returns the rows that could not be decoded. */
async function decodeAll(
  root: string,
  samples: readonly Sample[],
  options: LoadPixelsOptions,
  keep: (row: number, pixels: Uint8Array) => void | Promise<void>,
): Promise<Failures> {
  const failures: Failures = [];
  let done = 0;
  const sharp = await imageLibrary();
  await concurrently(
    samples,
    options.jobs ?? availableParallelism(),
    async ({ file }, row) => {
      const decoded = await decodeImage(sharp, join(root, file), options).catch((error: unknown) => messageOf(error));
      if (typeof decoded === 'string') failures.push([row, decoded]);
      else await keep(row, decoded);
      options.onProgress?.(++done, samples.length);
    },
    options.signal,
  );
  return failures.sort(([a], [b]) => a - b);
}

/** Here the cache is a convenience: where it cannot be written, the pixels are in memory all the same. */
async function decodeToMemory(
  root: string,
  samples: readonly Sample[],
  memory: Uint8Array,
  path: string,
  options: LoadPixelsOptions,
): Promise<Failures> {
  const rowBytes = memory.length / samples.length;
  const failures = await decodeAll(root, samples, options, (row, pixels) => memory.set(pixels, row * rowBytes));
  let writer: PixelFileWriter | undefined;
  try {
    writer = await createPixelFile(path, samples.length, rowBytes);
    const failed = new Set(failures.map(([row]) => row));
    for (let row = 0; row < samples.length; row++)
      if (!failed.has(row)) await writer.row(row, memory.subarray(row * rowBytes, (row + 1) * rowBytes));
    await writer.finish(failures);
  } catch (error) {
    await writer?.discard().catch(() => undefined);
    options.onWarning?.(`The decoded images cannot be cached: ${messageOf(error)}.`);
  }
  return failures;
}

async function decodeToFile(
  root: string,
  samples: readonly Sample[],
  rowBytes: number,
  path: string,
  options: LoadPixelsOptions,
): Promise<Failures> {
  let writer: PixelFileWriter | undefined;
  try {
    const file = await createPixelFile(path, samples.length, rowBytes);
    writer = file;
    const failures = await decodeAll(root, samples, options, (row, pixels) => file.row(row, pixels));
    await file.finish(failures);
    return failures;
  } catch (error) {
    await writer?.discard().catch(() => undefined);
    if (error instanceof Interrupted) throw error;
    const gigabytes = ((samples.length * rowBytes) / 1e9).toFixed(1);
    throw new TascnetError(
      `The decoded images (${gigabytes} GB) do not fit into memory and cannot be cached: ${messageOf(error)}.`,
      { hint: 'Set TASCNET_CACHE to a folder with enough space, or choose a smaller image size.', cause: error },
    );
  }
}

function memoryReader(memory: Uint8Array, rowBytes: number): { row(row: number): Uint8Array; close(): void } {
  return {
    row: (row) => memory.subarray(row * rowBytes, (row + 1) * rowBytes),
    close: () => undefined,
  };
}

function fileReader(path: string, rowBytes: number): { row(row: number): Uint8Array; close(): void } {
  const descriptor = openSync(path, 'r');
  const scratch = new Uint8Array(rowBytes);
  let open = true;
  return {
    row: (row) => {
      if (readSync(descriptor, scratch, 0, rowBytes, row * rowBytes) !== rowBytes)
        throw new TascnetError(`The pixel cache ${shown(path)} was cut short while it was in use.`);
      return scratch;
    },
    close: () => {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

function checkCorrupt(dataset: Dataset, corrupt: readonly Skipped[], total: number): void {
  if (corrupt.length <= MAX_CORRUPT_SHARE * total) return;
  const named = corrupt.slice(0, 5).map(({ file, reason }) => `${shown(file)} (${reason})`);
  const more = corrupt.length > named.length ? `, and ${corrupt.length - named.length} more` : '';
  throw new TascnetError(
    `${corrupt.length} of the ${total} images in ${shown(dataset.root)} cannot be decoded: ${named.join(', ')}${more}.`,
    { hint: `At most ${MAX_CORRUPT_SHARE * 100} % may be corrupt: replace or remove these files.` },
  );
}

function withoutCorrupt(dataset: Dataset, corrupt: readonly Skipped[]): Dataset {
  if (corrupt.length === 0) return dataset;
  const bad = new Set(corrupt.map(({ file }) => file));
  const readable = {
    ...dataset,
    train: dataset.train.filter(({ file }) => !bad.has(file)),
    validation: dataset.validation.filter(({ file }) => !bad.has(file)),
    test: dataset.test.filter(({ file }) => !bad.has(file)),
    skipped: [...dataset.skipped, ...corrupt],
  };
  for (const [label, name] of dataset.classes.entries()) {
    const had = dataset.train.some((sample) => sample.label === label);
    if (had && !readable.train.some((sample) => sample.label === label))
      throw new TascnetError(`None of the training images of class ${shown(name)} can be decoded.`);
  }
  return readable;
}
