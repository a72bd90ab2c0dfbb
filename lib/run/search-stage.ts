/** Stage 1 as a part of a run: its trials are in the journal, its features in the cache. */

import * as z from 'zod';
import { withInputSize } from '../analyze/input-size.js';
import { augmentationOf } from '../data/augment.js';
import type { Engine } from '../engine/engine.js';
import type { Graph } from '../graph/graph.js';
import type { Journal } from '../journal.js';
import { tailOf } from '../search/cut.js';
import type { SearchData } from '../search/features.js';
import { search } from '../search/search.js';
import type { SearchOptions } from '../search/search-options.js';
import { isLimited, trialRecordSchema } from '../search/standing.js';
import type { Hooks } from './hooks.js';
import { journalNumber } from './phases.js';
import { bytesOf, type PreparedData, prepareData } from './prepare-data.js';
import type {
  DataSettings,
  DistillationSettings,
  MachineSettings,
  SearchSettings,
  TrainingSettings,
} from './settings.js';
import type { Guidance, Keep } from './stages.js';

export const foundSchema = z.object({
  /** Validation accuracy of the winner's trial, 0 … 1. */
  accuracy: journalNumber,
  macs: z.number(),
  parameters: z.number(),
  configuration: trialRecordSchema.shape.configuration,
  /** The value at which the frozen part of the winner's trial ended. */
  cut: z.string().optional(),
  /** The trials that none beats in both accuracy and cost. */
  pareto: z.array(trialRecordSchema),
  trials: z.array(trialRecordSchema),
  stoppedAtDepth: z.number().optional(),
  seconds: z.number(),
  secondsEndToEndEstimate: journalNumber,
});
export type Found = z.output<typeof foundSchema>;

/** Where a search keeps what it needs to go on. */
export interface SearchKeep {
  journal: Journal;
  /** Of the trained parts of trials. */
  trialFolder: string;
}

/** In the folder of a run. */
export function searchKeep({ journal, directory }: Keep): SearchKeep {
  return { journal, trialFolder: directory.checkpoint('trials') };
}

/** How features are kept. */
export function featureStorage({ featureType, cacheLimit }: Partial<SearchSettings & DataSettings>) {
  const limit = bytesOf(cacheLimit);
  return { ...(featureType === undefined ? {} : { dtype: featureType }), ...(limit === undefined ? {} : { limit }) };
}

/** What a search takes of the data. */
export type Searched = Pick<PreparedData, 'preprocessing' | 'train' | 'validation' | 'classWeights'> & {
  dataset: Pick<PreparedData['dataset'], 'fingerprint'>;
};

/** The data of a search, with what tells them from any other. */
export function searchData(
  data: Omit<Searched, 'classWeights'>,
  { batchSize, seed, augment, flip }: DataSettings,
): SearchData {
  const { preprocessing, dataset, train, validation } = data;
  const fingerprint = JSON.stringify([
    dataset.fingerprint,
    preprocessing,
    batchSize,
    seed,
    augmentationOf(augment),
    flip,
  ]);
  return { train, validation, fingerprint };
}

/** The data at the sizes that a search tries besides that of its network, each decoded when it is first asked for. */
function otherSizes(graph: Graph, settings: DataSettings, hooks: Hooks) {
  const opened = new Map<number, Promise<PreparedData>>();
  return {
    at: async (imageSize: number): Promise<SearchData> => {
      const data =
        opened.get(imageSize) ??
        prepareData(withInputSize(graph, [imageSize, imageSize]), { ...settings, imageSize }, hooks);
      opened.set(imageSize, data);
      return searchData(await data, { ...settings, imageSize });
    },
    close: () => {
      for (const data of opened.values())
        data.then(
          (one) => one.close(),
          () => undefined,
        );
    },
  };
}

type WinnerSettings = DistillationSettings & Pick<TrainingSettings, 'labelSmoothing' | 'classWeights' | 'batchNorm'>;

/** Trials learn what the winner will learn, which would have to unlearn anything else first. */
function trialTraining(settings: WinnerSettings, { classWeights }: Searched): SearchOptions['training'] {
  const { distill, labelSmoothing, batchNorm } = settings;
  return {
    distill,
    labelSmoothing,
    ...(settings.classWeights ? { classWeights } : {}),
    ...(batchNorm ? { batchNorm } : {}),
  };
}

/**
 * Searches the configuration of the deeper layers of a trained classifier. Where other image sizes are searched, the winner
 * may take another one than `data` has.
 */
export async function searchStage(
  engine: Engine,
  graph: Graph,
  data: Searched,
  settings: SearchSettings & DataSettings & MachineSettings & WinnerSettings,
  hooks: Hooks,
  keep?: SearchKeep,
): Promise<{ graph: Graph; outcome: Found }> {
  const { seed, augment } = settings;
  const samples = `${data.validation.samples} validation samples`;
  const message = isLimited(settings.limits ?? {})
    ? `Of the trials within the limits the most accurate on the ${samples} is chosen.`
    : `Of trials whose accuracies on the ${samples} are equal within noise, the cheapest is chosen.`;
  hooks.onEvent({ kind: 'note', message });
  const others = otherSizes(graph, settings, hooks);
  const found = await search(
    engine,
    graph,
    { ...searchData(data, settings), atSize: others.at },
    {
      trials: settings.trials,
      epochs: settings.trialEpochs,
      depth: settings.depth,
      space: settings.space,
      seed,
      sampler: settings.sampler,
      stop: settings.stopRule,
      jobs: settings.jobs,
      limits: settings.limits,
      training: trialTraining(settings, data),
      views: settings.views ?? (augment === 'none' ? 1 : 3),
      journal: keep?.journal,
      trialFolder: keep?.trialFolder,
      featureStorage: featureStorage(settings),
      threads: settings.threads,
      signal: hooks.signal,
      onFeatures: (done, total) => hooks.onEvent({ kind: 'progress', what: 'Computing features', done, total }),
      onTrial: ({ trial, accuracy, macs, parameters, failed, stopped = false }, best) => {
        const chosen = best?.accuracy === undefined ? undefined : { ...best, accuracy: best.accuracy };
        const facts = { trial, trials: settings.trials, accuracy, macs, parameters, failed, stopped, chosen };
        hooks.onEvent({ kind: 'trial', ...facts });
      },
    },
  ).finally(others.close);
  const { best, pareto, trials, stoppedAtDepth, seconds, secondsEndToEndEstimate } = found;
  const { graph: winner, accuracy, macs, parameters, configuration, cut } = best;
  const outcome = {
    accuracy,
    macs,
    parameters,
    configuration,
    cut,
    pareto,
    trials,
    stoppedAtDepth,
    seconds,
    secondsEndToEndEstimate,
  };
  return { graph: winner, outcome };
}

/**
 * Learning rate of a winner's training, as a fraction of that of the network that it was made of. With the whole of it the
 * first epochs take two points of validation accuracy (MobileNet, 750 images), which ten get back, but a run has fewer.
 */
const WINNER_RATE = 1 / 3;

/**
 * How the winner of a search is fine-tuned: taught by the network that it was made of, and in all layers, unless
 * `winnerLayers` says otherwise. What stands before the searched ones has been fine-tuned already, and so have they in their
 * trial: the learning rate is smaller, and the trial's weights stay where the training does not better them.
 * @param resized the winner takes images of another size than `original`, which has not prepared its first layers for them:
 * it learns at the whole rate, on images that are varied as a student's.
 */
export function winnerTraining(
  original: Graph,
  { graph, outcome: { cut } }: { graph: Graph; outcome: Pick<Found, 'cut'> },
  settings: Partial<SearchSettings & DistillationSettings> & { learningRate: number },
  resized: boolean,
): Guidance {
  const { distill = 0, winnerLayers, learningRate } = settings;
  const { winnerLearningRate = resized ? learningRate : WINNER_RATE * learningRate } = settings;
  const part = !resized && cut !== undefined && winnerLayers === 'searched';
  const searched = part ? tailOf(graph, cut).initializers : undefined;
  return {
    learningRate: winnerLearningRate,
    ...(resized ? {} : { startCounts: true, samples: 'train' }),
    ...(distill > 0 ? { distillation: { teacher: original, weight: distill } } : {}),
    ...(searched ? { frozen: (name) => !searched.has(name) } : {}),
  };
}
