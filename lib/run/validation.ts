/** Model files measured in ONNX Runtime, and two of them compared. */

import { imageBatches } from '../data/batches.js';
import { openImages } from '../data/images.js';
import { loadPixels } from '../data/pixels.js';
import { classesFrom, type PresetName, preprocessingFor, seedFrom } from '../data/preprocessing.js';
import { openSentences } from '../data/sentences.js';
import { TascnetError } from '../errors.js';
import { load } from '../formats/index.js';
import type { Graph } from '../graph/graph.js';
import { type Evidence, type MeasureOptions, measure } from '../validate/evidence.js';
import { type Proportion, proportion } from '../validate/statistics.js';
import { type InputSettings, openExtent, taskOf, withAskedInput } from './asked-input.js';
import type { Hooks } from './hooks.js';
import { tokenBatches } from './prepare-data.js';
import { tellOfOtherSeed } from './split-seed.js';

export interface ValidationSettings extends InputSettings {
  /** Without it no accuracy is measured. */
  data?: string | undefined;
  preprocessing?: PresetName | undefined;
  /** Of the split. Default: that of the first model, so that the test samples are those that it has not learnt from. */
  seed?: number | undefined;
  jobs?: number | undefined;
  threads?: number | undefined;
}

export interface Comparison {
  /** Test samples to which both give the same class; absent without data. */
  agreement?: Proportion;
  /** The second model's accuracy minus the first's, in points. */
  accuracyPoints?: number;
  /** First over second: above 1 where the second is smaller or faster. */
  ratio: { macs: number; parameters: number; bytes: number; latencyMs: { batch1: number; batch32: number } };
}

export interface Validation {
  /** In the order of the files. */
  entries: Evidence[];
  /** Of two files. */
  comparison?: Comparison;
}

/**
 * @throws TascnetError when a file is no valid model, does not fit the data, or ONNX Runtime fails.
 */
export async function validateFiles(
  paths: readonly string[],
  settings: ValidationSettings,
  hooks: Hooks,
): Promise<Validation> {
  const [first] = paths;
  if (first === undefined) throw new TascnetError('There is no model to validate.');
  const opened = settings.data === undefined ? undefined : await testSamples(paths, settings.data, settings, hooks);
  try {
    const options: MeasureOptions = {
      test: opened?.test,
      settle: (graph) => withAskedInput(graph, openExtent(graph) ? { ...settings, ...opened?.asked } : settings),
      signal: hooks.signal,
      ...(settings.threads === undefined ? {} : { threads: settings.threads }),
      onProgress: (done, total, what) => hooks.onEvent({ kind: 'progress', what: `Measuring ${what}`, done, total }),
    };
    const { entries, predictions } = await measure(paths, options);
    const [before, after] = entries;
    if (!before || !after) return { entries };
    return { entries, comparison: compare(before, after, predictions) };
  } finally {
    opened?.close();
  }
}

/** The test split as the models take it; `asked` is what they should be, where they leave that open. */
async function testSamples(paths: readonly string[], data: string, settings: ValidationSettings, hooks: Hooks) {
  const graphs: Graph[] = [];
  for (const path of paths) graphs.push(await load(path));
  const [graph] = graphs;
  if (!graph) throw new TascnetError('There is no model to validate.');
  const seed = splitSeed(graphs, paths, settings.seed, hooks);
  const open = taskOf(graph, settings) === 'text' ? testSentences : testImages;
  const check = (classes: number) => {
    for (const [index, each] of graphs.entries()) checkClasses(each, paths[index] ?? '', classes);
  };
  const { dataset, ...test } = await open(
    graphs,
    data,
    { ...settings, seed, names: paths.join(' and '), check },
    hooks,
  );
  for (const { file, reason } of dataset.skipped) warn(hooks, `${file} was skipped: ${reason}.`);
  return test;
}

/** `check` is told how many classes the data have, before they are read. */
type Checked = ValidationSettings & { seed: number; names: string; check: (classes: number) => void };

async function testSentences(graphs: readonly Graph[], data: string, settings: Checked, hooks: Hooks) {
  const sentences = await openSentences(data, {
    seed: settings.seed,
    classes: classesFrom(graphs[0]?.metadata ?? {}),
    onWarning: (message) => warn(hooks, message),
  });
  settings.check(sentences.dataset.classes.length);
  const { preprocessing, batches } = await tokenBatches(graphs, sentences, settings, hooks, settings.names);
  return {
    dataset: sentences.dataset,
    test: batches('test', { batchSize: 32 }),
    asked: { textLength: preprocessing.length },
    close: () => undefined,
  };
}

async function testImages(graphs: readonly Graph[], data: string, settings: Checked, hooks: Hooks) {
  const { imageSize } = settings;
  const size: [number, number] | undefined = imageSize === undefined ? undefined : [imageSize, imageSize];
  const choices = graphs.map((each) => preprocessingFor(each, { preset: settings.preprocessing, size }));
  const [preprocessing] = choices;
  if (!preprocessing || choices.some((choice) => JSON.stringify(choice) !== JSON.stringify(preprocessing))) {
    throw new TascnetError(`${settings.names} expect their images in different ways.`, {
      hint: 'Validate them one after the other.',
    });
  }
  const opened = await openImages(data, {
    seed: settings.seed,
    classes: classesFrom(graphs[0]?.metadata ?? {}),
    signal: hooks.signal,
  });
  settings.check(opened.classes.length);
  const pixels = await loadPixels(opened, {
    size: preprocessing.size,
    resize: preprocessing.resize,
    jobs: settings.jobs,
    signal: hooks.signal,
    onProgress: (done, total) => hooks.onEvent({ kind: 'progress', what: 'Reading images', done, total }),
    onWarning: (message) => warn(hooks, message),
  });
  const test = imageBatches(pixels.test, preprocessing, { batchSize: 32, layout: 'plain' });
  return { dataset: pixels.dataset, test, asked: {}, close: () => pixels.close() };
}

function warn(hooks: Hooks, message: string): void {
  hooks.onEvent({ kind: 'warning', message });
}

function splitSeed(
  graphs: readonly Graph[],
  paths: readonly string[],
  asked: number | undefined,
  hooks: Hooks,
): number {
  const own = graphs.map(({ metadata }) => seedFrom(metadata));
  const seed = asked ?? own.find((each) => each !== undefined) ?? 0;
  for (const [index, graph] of graphs.entries()) tellOfOtherSeed(graph, paths[index] ?? '', seed, hooks);
  return seed;
}

function checkClasses(graph: Graph, path: string, classes: number): void {
  const width = graph.outputs[0]?.dims?.at(-1);
  if (typeof width !== 'number' || width === classes) return;
  throw new TascnetError(`${path} tells ${width} classes apart, but the data have ${classes}.`, {
    hint: 'Fit it to them first: tascnet finetune.',
  });
}

function compare(before: Evidence, after: Evidence, predictions: readonly Int32Array[]): Comparison {
  const [one, two] = predictions;
  const ratio = {
    macs: before.macs / after.macs,
    parameters: before.parameters / after.parameters,
    bytes: before.bytes / after.bytes,
    latencyMs: {
      batch1: before.latencyMs.batch1 / after.latencyMs.batch1,
      batch32: before.latencyMs.batch32 / after.latencyMs.batch32,
    },
  };
  if (!one || !two || !before.accuracy || !after.accuracy) return { ratio };
  let same = 0;
  for (let sample = 0; sample < one.length; sample++) if (one[sample] === two[sample]) same++;
  return {
    agreement: proportion(same, one.length),
    accuracyPoints: 100 * (after.accuracy.value - before.accuracy.value),
    ratio,
  };
}
