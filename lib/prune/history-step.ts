/** One step of the history method: record, pair, make the pairs more alike, cut, merge. */

import { costTerms, evaluate } from '../analyze/cost.js';
import { type Dependencies, dependencyGroups } from '../analyze/groups.js';
import { fromEpoch } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import type { Model } from '../engine/model.js';
import type { Graph } from '../graph/graph.js';
import type { Removal } from '../surgery/remove.js';
import type { EpochMetrics } from '../train/metrics.js';
import { train } from '../train/train.js';
import { type CutStep, repaired } from './cut.js';
import { type Pair, pairLoss, recordHistory, removalOf, similarPairs } from './history.js';
import { cutChannels, limitsOf, type OneShotContext } from './one-shot.js';
import type { PruneData, PruneOptions, RetrainOptions } from './options.js';
import { smallestRatio } from './ranking.js';
import type { HistoryEpochs } from './schedule.js';
import { meetsTargets, selectLocally } from './select.js';

/** How a step trains before its cut. */
export interface HistoryTraining {
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
  { epochs, seed, onEpoch }: HistoryTraining,
): Promise<CutStep> {
  const dependencies = dependencyGroups(graph, options.ignore);
  const history = recordHistory(graph, dependencies);
  const training = (begin: number) => ({
    ...retrain.training,
    seed,
    restoreBest: false,
    ...(options.signal ? { signal: options.signal } : {}),
    onEpoch: async (metrics: EpochMetrics, model: Model) => {
      await history.record(await model.weights());
      onEpoch?.({ ...metrics, epoch: begin + metrics.epoch });
    },
  });
  const recorded = await train(engine, graph, data, { ...training(0), epochs: epochs.record });
  const counts = removedCounts(graph, dependencies, options, context);
  const pairs: Pair[][] = [];
  for (const [number, count] of counts.entries()) {
    const { gram, l1 } = await history.summary(number);
    pairs.push(await similarPairs(gram, l1, count));
  }
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

/** How many channels leave each group: the same fraction of the original ones, as small as meets the targets. */
function removedCounts(
  graph: Graph,
  dependencies: Dependencies,
  options: PruneOptions,
  context: OneShotContext,
): number[] {
  const { groups } = dependencies;
  const equal = groups.map(({ channels }) => new Float64Array(channels));
  const limits = limitsOf(dependencies, options, context);
  const removedAt = (ratio: number) => selectLocally(groups, equal, ratio, limits).map((channels) => channels.length);
  if (options.ratio !== undefined) return removedAt(options.ratio);
  const { latencyModel } = options;
  const terms = costTerms(graph, dependencies, latencyModel?.rates);
  const full = groups.map(({ channels }) => channels);
  const from = {
    ...(context.from ?? { macs: evaluate(terms, 'macs', full), parameters: evaluate(terms, 'parameters', full) }),
    ...(latencyModel ? { latency: latencyModel.from } : {}),
  };
  const fits = (ratio: number) =>
    meetsTargets(
      terms,
      removedAt(ratio).map((removed, group) => (full[group] ?? 0) - removed),
      options.targets,
      from,
    );
  return removedAt(smallestRatio(options.maxRatio, fits));
}
