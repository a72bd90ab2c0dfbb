/** What every command that trains does first: the model made ready for the data, and the data for the model. */

import { requireFinite } from '../analyze/finite.js';
import { withFreeBatch, withInputSize } from '../analyze/input-size.js';
import { learnableInitializers } from '../analyze/learnable.js';
import { inferShapes } from '../analyze/shapes.js';
import { augmentationOf } from '../data/augment.js';
import type { BatchSource } from '../data/batch.js';
import { imageBatches } from '../data/batches.js';
import { classWeights, type Dataset } from '../data/dataset.js';
import { openImages } from '../data/images.js';
import { loadPixels } from '../data/pixels.js';
import {
  classesFrom,
  PRESET_NAMES,
  type Preprocessing,
  type PresetName,
  preprocessingFor,
} from '../data/preprocessing.js';
import type { Engine } from '../engine/engine.js';
import { TascnetError } from '../errors.js';
import { load } from '../formats/index.js';
import type { Graph } from '../graph/graph.js';
import { type Headed, withHead } from '../surgery/head.js';
import { classifierOutput } from '../train/output.js';
import { foldedConvolutions, unfoldBatchNorm } from '../train/unfold.js';
import type { Hooks } from './hooks.js';
import type { DataSettings } from './settings.js';

export interface PreparedData {
  dataset: Dataset;
  preprocessing: Preprocessing;
  /** With augmentation, shuffled. */
  train: BatchSource;
  /**
   * The same images for a student that learns from a teacher, varied as much as augmentation can: the teacher says what it
   * sees in each view (Beyer et al., arXiv 2106.05237). Not varied where `augment` is none.
   */
  student: BatchSource;
  validation: BatchSource;
  /** Training images without augmentation, for statistics and repair. */
  calibration: BatchSource;
  /** In the order of the model's own input, for ONNX Runtime. */
  test: BatchSource;
  classWeights: readonly number[];
  close(): void;
}

/** Reads a model and refuses one that no training can mend. */
export async function loadModel(path: string): Promise<Graph> {
  const graph = await load(path);
  requireFinite(graph, path);
  return graph;
}

/** Reads a model of which every operator is known. @throws TascnetError naming the node that is not. */
export async function loadTrainable(path: string): Promise<Graph> {
  const graph = await loadModel(path);
  const [unknown] = inferShapes(graph).unknown;
  if (unknown)
    throw new TascnetError(`${path} cannot be trained: node "${unknown.node.name}": ${unknown.reason}.`, {
      hint: `"tascnet inspect ${path}" shows what can be told of it without.`,
    });
  return graph;
}

/** The images of `settings.data`, decoded and batched as `graph` takes them. */
export async function prepareData(graph: Graph, settings: DataSettings, hooks: Hooks): Promise<PreparedData> {
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
    onWarning: (message) => hooks.onEvent({ kind: 'warning', message }),
  });
  const { dataset } = pixels;
  for (const { file, reason } of dataset.skipped)
    hooks.onEvent({ kind: 'warning', message: `${file} was skipped: ${reason}.` });
  const training = (level: DataSettings['augment']) => {
    const augment = augmentationOf(level);
    return imageBatches(pixels.train, preprocessing, {
      ...{ batchSize, shuffle: true, seed },
      augment: { ...augment, flip: augment.flip && settings.flip },
    });
  };
  return {
    dataset,
    preprocessing,
    train: training(settings.augment),
    student: training(settings.augment === 'none' ? 'none' : 'full'),
    validation: imageBatches(pixels.validation, preprocessing, { batchSize }),
    calibration: imageBatches(pixels.train, preprocessing, { batchSize, shuffle: true, seed }),
    test: imageBatches(pixels.test, preprocessing, { batchSize: 32, layout: 'plain' }),
    classWeights: [...classWeights(dataset)],
    close: pixels.close,
  };
}

/**
 * The model ready to be trained on the data: its input has the data's size, its last layer the data's classes, and its
 * batch norms, where they were folded away, are back.
 */
export async function prepareGraph(
  engine: Engine,
  graph: Graph,
  data: PreparedData,
  settings: DataSettings,
  hooks: Hooks,
): Promise<Graph> {
  const { graph: headed, action, softmax } = fitted(graph, data, settings);
  const note = (message: string) => hooks.onEvent({ kind: 'note', message });
  if (action !== 'kept') note(`The classifier was ${action} for ${data.dataset.classes.length} classes.`);
  if (softmax) note(`The final ${softmax} was taken off: the model now gives logits.`);
  const folded = foldedConvolutions(headed).length;
  if (folded > 0) note(`${folded} batch norms that had been folded into convolutions are put back for training.`);
  return unfoldBatchNorm(engine, headed, data.calibration, hooks.signal ? { signal: hooks.signal } : {});
}

/**
 * The model with the data's image size and a head for its classes.
 * @throws TascnetError when it cannot become a classifier of them.
 */
export function fitted(graph: Graph, { preprocessing, dataset }: PreparedData, { seed }: DataSettings): Headed {
  const { classes } = dataset;
  const known = classesFrom(graph.metadata);
  // A classifier of as many, but other classes knows nothing of these.
  const others = known !== undefined && known.join('\n') !== classes.join('\n');
  const head = { seed, sameCount: others ? ('replace' as const) : ('keep' as const) };
  const headed = withHead(atSize(graph, preprocessing), classes.length, head);
  classifierOutput(headed.graph);
  if (learnableInitializers(headed.graph).parameters.size === 0)
    throw new TascnetError('This model has no weights that could be trained.');
  return headed;
}

/** The graph with a free batch and the preprocessing's image size. */
export function atSize(graph: Graph, { size }: Preprocessing): Graph {
  return withInputSize(withFreeBatch(graph), [size[0], size[1]]);
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
