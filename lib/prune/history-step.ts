/** One step of the history method: record, pair, make the pairs more alike, cut, merge. */

import { dependencyGroups } from '../analyze/groups.js';
import { fromEpoch } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import type { Model } from '../engine/model.js';
import type { Graph } from '../graph/graph.js';
import type { Removal } from '../surgery/remove.js';
import type { EpochMetrics } from '../train/metrics.js';
import type { TrainOptions } from '../train/options.js';
import { train } from '../train/train.js';
import { type CutStep, repaired } from './cut.js';
import { pairLoss, recordHistory, removalOf } from './history.js';
import { chosenChannels, cutChannels, type OneShotContext } from './one-shot.js';
import { HISTORY_RATE, type PruneData, type PruneOptions, type RetrainOptions } from './options.js';
import { departuresOf, type HistoryCriterion, pairScores, similarPairs } from './pairs.js';
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
  context: OneShotContext,
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
  const recorded = await train(engine, graph, data, { ...training(0), epochs: epochs.record });
  const { groups } = dependencies;
  const summaries = [];
  for (const number of groups.keys()) summaries.push(await history.summary(number));
  const departures = await Promise.all(summaries.map(({ gram, l1 }) => departuresOf(gram, l1, criterion)));
  const going = chosenChannels(graph, dependencies, departures.map(pairScores), options, context);
  const pairs = departures.map((group, number) => similarPairs(group, going[number]?.length ?? 0));
  const extraLoss = pairLoss(dependencies, pairs, options.lambda);
  const later = { ...data, train: fromEpoch(data.train, epochs.record) };
  const optimised = await train(engine, recorded.graph, later, {
    ...training(epochs.record),
    epochs: epochs.optimise,
    extraLoss,
  });
  const removals = new Map<string, Removal>();
  for (const [number, group] of dependencies.groups.entries()) {
    const { l1 } = await history.summary(number);
    const chosen = pairs[number] ?? [];
    if (chosen.length > 0) removals.set(group.id, removalOf(chosen, l1, options.merge));
  }
  const cut = await cutChannels(optimised.graph, dependencies, removals, options, context);
  const graphs = { uncut: optimised.graph, cut: cut.graph };
  return { ...cut, graph: await repaired(engine, graphs, cut.kept, data, options, retrain) };
}
