/** Batches of images and of cached features. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { TascnetError } from '../errors.js';
import { randomGenerator } from '../graph/random.js';
import type { Layout } from '../ops/operator.js';
import {
  type Augmentation,
  type AugmentationLevel,
  augmentationOf,
  changesImages,
  randomColourChange,
  randomCrop,
} from './augment.js';
import type { Batch, BatchSource } from './batch.js';
import { type ImageChange, imageFormat, writeImages } from './image-batch.js';
import type { PixelSplit } from './pixels.js';
import { checkedPreprocessing, type Preprocessing } from './preprocessing.js';

export interface BatchOptions {
  batchSize: number;
  /** Another order in each epoch. Default: the order of the samples. */
  shuffle?: boolean | undefined;
  /** Seed of order and augmentation. Default: 0. */
  seed?: number | undefined;
  /** Leaves out the last batch when it is not full. */
  dropLast?: boolean | undefined;
}

export interface ImageBatchOptions extends BatchOptions {
  /** Default: none. */
  augment?: AugmentationLevel | Augmentation | undefined;
  /** `channelsLast` (default) for the engine, `plain` for ONNX Runtime. A model with NHWC input is always plain. */
  layout?: Layout | undefined;
}

/**
 * Batches of preprocessed images, augmented on the fly. What an image looks like depends on the seed, the epoch and the
 * image alone. The next batch is prepared while the reader waits for something else.
 * @throws TascnetError when the pixels are not of the preprocessing's size.
 */
export function imageBatches(
  images: PixelSplit,
  preprocessing: Preprocessing,
  options: ImageBatchOptions,
): BatchSource {
  const { size, layout: declared, channels } = checkedPreprocessing(preprocessing);
  const [height, width] = size;
  if (images.size[0] !== height || images.size[1] !== width)
    throw new TascnetError(`The pixels are ${images.size.join('×')}, but the model takes ${height}×${width}.`);
  const augmentation = augmentationOf(options.augment ?? 'none');
  const changes = changesImages(augmentation);
  const asked = options.layout ?? 'channelsLast';
  const layout: Layout = declared === 'NHWC' ? 'plain' : asked;
  const channelsLast = declared === 'NHWC' || asked === 'channelsLast';
  const format = imageFormat(preprocessing, channelsLast);
  const shape = channelsLast ? [height, width, channels.length] : [channels.length, height, width];
  const seed = options.seed ?? 0;

  const changeOf = (index: number, epoch: number): ImageChange => {
    const random = randomGenerator(seed, 'augment', epoch, images.samples[index]?.file ?? index);
    const crop = randomCrop(random, height, width, augmentation);
    return { crop, colour: augmentation.jitter > 0 ? randomColourChange(random, augmentation.jitter) : undefined };
  };
  const fill: Fill = (inputs, indices, epoch) =>
    writeImages(
      format,
      indices.length,
      (row) => images.pixels(indices[row] ?? -1),
      changes ? Array.from(indices, (index) => changeOf(index, epoch)) : undefined,
      inputs,
    );
  return batchSource(
    images.samples.map((sample) => sample.label),
    shape,
    layout,
    options,
    fill,
  );
}

export interface ArrayBatchOptions extends BatchOptions {
  /** How the elements lie. Default: plain. */
  layout?: Layout | undefined;
  /** Changes the copy of a row in place. What it does should depend on the row's index and the epoch alone. */
  change?: ((row: Float32Array, index: number, epoch: number) => void) | undefined;
}

/**
 * Batches of rows of an array, such as cached features or token ids.
 * @param shape batch first, in physical order.
 * @throws TascnetError when the lengths do not agree.
 */
export function arrayBatches(
  features: Float32Array,
  shape: readonly number[],
  labels: ArrayLike<number>,
  options: ArrayBatchOptions,
): BatchSource {
  const [rows = 0, ...rowShape] = shape;
  const rowSize = rowShape.reduce((product, extent) => product * extent, 1);
  if (features.length !== rows * rowSize || labels.length !== rows)
    throw new TascnetError(
      `Features of shape [${shape}] need ${rows * rowSize} elements and ${rows} labels, got ${features.length} and ${labels.length}.`,
    );
  return batchSource(
    Array.from(labels),
    rowShape,
    options.layout ?? 'plain',
    options,
    async (inputs, indices, epoch) => {
      for (const [row, index] of indices.entries()) {
        inputs.set(features.subarray(index * rowSize, (index + 1) * rowSize), row * rowSize);
        options.change?.(inputs.subarray(row * rowSize, (row + 1) * rowSize), index, epoch);
      }
    },
  );
}

/** Writes samples, as they look in `epoch`, into `inputs`, one behind the other. */
type Fill = (inputs: Float32Array, indices: Uint32Array, epoch: number) => Promise<void>;

function batchSource(
  labels: readonly number[],
  rowShape: readonly number[],
  layout: Layout,
  { batchSize, shuffle = false, seed = 0, dropLast = false }: BatchOptions,
  fill: Fill,
): BatchSource {
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new TascnetError(`The batch size of ${batchSize} should be a whole number of at least 1.`);
  const rowSize = rowShape.reduce((product, extent) => product * extent, 1);
  const count = dropLast ? Math.floor(labels.length / batchSize) : Math.ceil(labels.length / batchSize);
  const samples = dropLast ? count * batchSize : labels.length;

  const make = async (order: Uint32Array, epoch: number, batch: number): Promise<Batch> => {
    const indices = order.subarray(batch * batchSize, Math.min((batch + 1) * batchSize, samples));
    const inputs = new Float32Array(indices.length * rowSize);
    await fill(inputs, indices, epoch);
    return {
      inputs,
      shape: [indices.length, ...rowShape],
      layout,
      labels: Int32Array.from(indices, (index) => labels[index] ?? -1),
    };
  };

  return {
    samples,
    batchSize,
    batches: (epoch) => {
      const order = Uint32Array.from(labels, (_, index) => index);
      if (shuffle) randomGenerator(seed, 'order', epoch).shuffle(order);
      return ahead(count, (batch) => make(order, epoch, batch));
    },
  };
}

/** Yields `make(0)`, `make(1)`, …, each made in a turn of the event loop while the reader still has the one before. */
async function* ahead<T>(count: number, make: (index: number) => Promise<T>): AsyncGenerator<T> {
  const start = (index: number): Promise<T> => {
    const made = nextTurn().then(() => make(index));
    // A reader that stops early never asks for it; its error must not count as unhandled.
    made.catch(() => undefined);
    return made;
  };
  let next = count > 0 ? start(0) : undefined;
  for (let index = 0; next; index++) {
    const current: T = await next;
    next = index + 1 < count ? start(index + 1) : undefined;
    yield current;
  }
}
