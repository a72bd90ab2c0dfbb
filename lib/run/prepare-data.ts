/** The data of a command, images or sentences, as its model takes them. */

import { createHash } from 'node:crypto';
import { type AugmentationLevel, augmentationOf, levelOfStudent } from '../data/augment.js';
import type { BatchSource } from '../data/batch.js';
import { type ArrayBatchOptions, arrayBatches, imageBatches } from '../data/batches.js';
import { classWeights, type Dataset, type Split } from '../data/dataset.js';
import { openImages } from '../data/images.js';
import type { InputPreprocessing } from '../data/input-preprocessing.js';
import { loadPixels } from '../data/pixels.js';
import { PRESET_NAMES, type PresetName, preprocessingFor } from '../data/preprocessing.js';
import { openSentences, type Sentences } from '../data/sentences.js';
import { textPreprocessingFor, tokenRows, WORD_DROPOUT, wordDropout } from '../data/text-preprocessing.js';
import { readTokenizer } from '../data/tokenizer.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { taskOf } from './asked-input.js';
import type { Hooks } from './hooks.js';
import type { DataSettings } from './settings.js';

export interface PreparedData {
  dataset: Dataset;
  preprocessing: InputPreprocessing;
  /** With augmentation, shuffled. */
  train: BatchSource;
  /** The same samples for a student that learns from a teacher, varied as `levelOfStudent` says. */
  student: BatchSource;
  validation: BatchSource;
  /** Training samples without augmentation, for statistics and repair. */
  calibration: BatchSource;
  /** In the order of the model's own input, for ONNX Runtime. */
  test: BatchSource;
  classWeights: readonly number[];
  close(): void;
}

/** The samples of `settings.data`, read and batched as `graph` takes them. */
export async function prepareData(graph: Graph, settings: DataSettings, hooks: Hooks): Promise<PreparedData> {
  const prepared = await (taskOf(graph, settings) === 'text' ? prepareText : prepareImages)(graph, settings, hooks);
  for (const { file, reason } of prepared.dataset.skipped) warn(hooks, `${file} was skipped: ${reason}.`);
  return { ...prepared, classWeights: [...classWeights(prepared.dataset)] };
}

type Prepared = Omit<PreparedData, 'classWeights'>;

async function prepareImages(graph: Graph, settings: DataSettings, hooks: Hooks): Promise<Prepared> {
  const { preprocessing: preset, imageSize, batchSize, seed } = settings;
  const preprocessing = preprocessingFor(graph, {
    preset: preset === undefined ? undefined : presetNamed(preset),
    size: imageSize === undefined ? undefined : [imageSize, imageSize],
  });
  const opened = await openImages(settings.data, { seed, signal: hooks.signal });
  const pixels = await loadPixels(opened, {
    size: preprocessing.size,
    resize: preprocessing.resize,
    jobs: settings.jobs,
    cacheLimit: bytesOf(settings.cacheLimit),
    signal: hooks.signal,
    onProgress: (done, total) => hooks.onEvent({ kind: 'progress', what: 'Reading images', done, total }),
    onWarning: (message) => warn(hooks, message),
  });
  const training = (level: AugmentationLevel) => {
    const augment = augmentationOf(level);
    return imageBatches(pixels.train, preprocessing, {
      ...{ batchSize, shuffle: true, seed },
      augment: { ...augment, flip: augment.flip && settings.flip },
    });
  };
  return {
    dataset: pixels.dataset,
    preprocessing,
    train: training(settings.augment),
    student: training(levelOfStudent(settings.augment)),
    validation: imageBatches(pixels.validation, preprocessing, { batchSize }),
    calibration: imageBatches(pixels.train, preprocessing, { batchSize, shuffle: true, seed }),
    test: imageBatches(pixels.test, preprocessing, { batchSize: 32, layout: 'plain' }),
    close: pixels.close,
  };
}

async function prepareText(graph: Graph, settings: DataSettings, hooks: Hooks): Promise<Prepared> {
  const { batchSize, seed } = settings;
  const sentences = await openSentences(settings.data, { seed, onWarning: (message) => warn(hooks, message) });
  const { preprocessing, encoder, batches } = await tokenBatches([graph], sentences, settings, hooks);
  const training = (level: AugmentationLevel) => {
    if (level === 'shift')
      throw new TascnetError('--augment shift moves images; sentences can be varied by none, light or full.');
    const change = wordDropout(WORD_DROPOUT[level], preprocessing, encoder, seed);
    return batches('train', { batchSize, shuffle: true, seed, change });
  };
  // Sentences read by another tokenizer are other data.
  const { fingerprint } = sentences.dataset;
  const read = createHash('sha256')
    .update(JSON.stringify([fingerprint, preprocessing]))
    .digest('hex');
  return {
    dataset: { ...sentences.dataset, fingerprint: read },
    preprocessing,
    train: training(settings.augment),
    student: training(levelOfStudent(settings.augment)),
    validation: batches('validation', { batchSize }),
    calibration: training('none'),
    test: batches('test', { batchSize: 32 }),
    close: () => undefined,
  };
}

/** Above these shares, the vocabulary is hardly that of the texts, and the length hardly theirs. */
const MANY_UNKNOWN = 0.2;
const MANY_CUT = 0.1;

function tellOfLosses(
  split: Split,
  { tokens, unknown, cut }: ReturnType<typeof tokenRows>,
  samples: number,
  length: number,
  hooks: Hooks,
): void {
  const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(0)} %`;
  if (unknown > MANY_UNKNOWN * tokens)
    warn(hooks, `${percent(unknown, tokens)} of the ${split} words are not in the vocabulary.`);
  if (cut > MANY_CUT * samples)
    warn(
      hooks,
      `${percent(cut, samples)} of the ${split} sentences have more than ${length} tokens, and lose their end.`,
    );
}

/**
 * Batches of token ids, as the models take them.
 * @param names of the models, for the error.
 * @throws TascnetError when these take their texts in different ways.
 */
export async function tokenBatches(
  graphs: readonly Graph[],
  { dataset, texts }: Sentences,
  { tokenizer: path, textLength: length }: Pick<DataSettings, 'tokenizer' | 'textLength'>,
  hooks: Hooks,
  names = 'The models',
) {
  const tokenizer = path === undefined ? undefined : await readTokenizer(path);
  const choices = graphs.map((graph) => textPreprocessingFor(graph, { tokenizer, length }, () => texts('train')));
  const [first] = choices;
  if (!first || choices.some((each) => JSON.stringify(each.preprocessing) !== JSON.stringify(first.preprocessing)))
    throw new TascnetError(`${names} take their sentences in different ways.`, {
      hint: 'Validate them one after the other.',
    });
  const { preprocessing, encoder } = first;
  const read = new Map<Split, ReturnType<typeof tokenRows>>();
  const rowsOf = (split: Split) => {
    const known = read.get(split);
    if (known) return known;
    const rows = tokenRows(texts(split), preprocessing, encoder);
    read.set(split, rows);
    tellOfLosses(split, rows, dataset[split].length, preprocessing.length, hooks);
    return rows;
  };
  const batches = (split: Split, options: ArrayBatchOptions) => {
    const labels = dataset[split].map(({ label }) => label);
    return arrayBatches(rowsOf(split).ids, [labels.length, preprocessing.length], labels, options);
  };
  return { preprocessing, encoder, batches };
}

function warn(hooks: Hooks, message: string): void {
  hooks.onEvent({ kind: 'warning', message });
}

/** A size of a cache in GB. */
export function bytesOf(gigabytes: number | undefined): number | undefined {
  return gigabytes === undefined ? undefined : gigabytes * 1e9;
}

function presetNamed(name: string): PresetName {
  const found = PRESET_NAMES.find((preset) => preset === name);
  if (!found)
    throw new TascnetError(`There is no preprocessing preset "${name}".`, {
      hint: `Presets: ${PRESET_NAMES.join(', ')}.`,
    });
  return found;
}
