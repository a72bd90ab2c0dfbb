/** One step of the history method: record, pair, make the pairs more alike, cut, merge. */

import { type Dependencies, dependencyGroups } from '../analyze/groups.js';
import { fromEpoch } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import type { Model } from '../engine/model.js';
import type { Graph } from '../graph/graph.js';
import type { Removal } from '../surgery/remove.js';
import type { EpochMetrics } from '../train/metrics.js';
import type { TrainOptions } from '../train/options.js';
import { train } from '../train/train.js';
import { criterionNamed } from './criteria/index.js';
import { type CutContext, type CutOnce, type CutStep, cutInParts } from './cut.js';
import { measureTaylor } from './gradients.js';
import { type GroupHistory, pairLoss, recordHistory, removalOf } from './history.js';
import { normalizeScores } from './normalize.js';
import { chosenChannels, cutChannels } from './one-shot.js';
import { HISTORY_RATE, type PruneData, type PruneOptions, type RetrainOptions } from './options.js';
import { departuresOf, type HistoryCriterion, isWorthByLoss, type Pair, pairScores, similarPairs } from './pairs.js';
import type { HistoryEpochs } from './schedule.js';

/** How a step trains before its cut, and which channels leave then. */
export interface HistoryTraining extends Pick<TrainOptions, 'distillation'> {
  criterion: HistoryCriterion;
  epochs: HistoryEpochs;
  seed: number;
  /** The epochs of both phases count as one training. */
  onEpoch?: (metrics: EpochMetrics) => void;
}

/** @returns the graph without the removed channels, repaired, not yet trained again. */
export async function historyStep(
  engine: Engine,
  graph: Graph,
  data: PruneData,
  options: PruneOptions,
  retrain: RetrainOptions,
  context: CutContext,
  { criterion, epochs, seed, onEpoch, ...distillation }: HistoryTraining,
): Promise<CutStep> {
  const dependencies = dependencyGroups(graph, options.ignore);
  const history = recordHistory(graph, dependencies);
  const training = (begin: number) => ({
    ...retrain.training,
    learningRate: retrain.training.learningRate * (options.historyRate ?? HISTORY_RATE),
    seed,
    restoreBest: false,
    ...distillation,
    ...(options.signal ? { signal: options.signal } : {}),
    onEpoch: async (metrics: EpochMetrics, model: Model) => {
      await history.record(await model.weights());
      onEpoch?.({ ...metrics, epoch: begin + metrics.epoch });
    },
  });
  const chooser = { engine, data, history, criterion, context };

  const recorded = await train(engine, graph, data, { ...training(0), epochs: epochs.record });
  const { pairs } = await choose(chooser, recorded.graph, dependencies, options);
  const later = { ...data, train: fromEpoch(data.train, epochs.record) };
  const optimised = await train(engine, recorded.graph, later, {
    ...training(epochs.record),
    epochs: epochs.optimise,
    extraLoss: pairLoss(dependencies, pairs, options.lambda),
  });

  const cutOnce: CutOnce = async (current, partOptions, kept) => {
    const now = dependencyGroups(current, options.ignore);
    const { pairs, worth } = await choose(chooser, current, now, partOptions, kept);
    const removals = now.groups.flatMap(({ id }, group): [string, Removal][] => {
      const [chosen = [], values = new Float64Array()] = [pairs[group], worth[group]];
      return chosen.length > 0 ? [[id, removalOf(chosen, values, options.merge)]] : [];
    });
    return cutChannels(current, now, new Map(removals), partOptions, context);
  };
  return cutInParts(engine, optimised.graph, data, options, retrain, context, cutOnce);
}

interface Chooser {
  engine: Engine;
  data: PruneData;
  history: GroupHistory;
  criterion: HistoryCriterion;
  context: CutContext;
}

/** The pairs that lose a channel each, and what the channels are worth, by group. @param kept see `GroupHistory`. */
async function choose(
  { engine, data, history, criterion, context }: Chooser,
  graph: Graph,
  dependencies: Dependencies,
  options: PruneOptions,
  kept?: ReadonlyMap<string, Int32Array>,
): Promise<{ pairs: Pair[][]; worth: Float64Array[] }> {
  const { seed, signal, reduce, normalize } = options;
  const summaries = [];
  for (const group of dependencies.groups) summaries.push(await history.summary(group, kept));
  const byLoss = isWorthByLoss(criterion);
  const worth = byLoss
    ? await criterionNamed('taylor').scores({
        ...{ graph, dependencies, seed, signal, reduce },
        taylor: await measureTaylor(engine, graph, dependencies, data.calibration, signal),
      })
    : summaries.map(({ l1 }) => l1);
  const departures = await Promise.all(
    summaries.map(({ gram, l1 }, group) => departuresOf(gram, worth[group] ?? l1, criterion)),
  );
  const scores = normalizeScores(departures.map(pairScores), normalize ?? (byLoss ? 'none' : 'mean'));
  const going = chosenChannels(graph, dependencies, scores, options, context);
  return { pairs: departures.map((group, number) => similarPairs(group, going[number]?.length ?? 0)), worth };
}
