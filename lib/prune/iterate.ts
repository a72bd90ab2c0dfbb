/**
 * Stage 2: remove some, repair, fine-tune, and again, for as long as accuracy holds (TASCNet section III; Li et al. 2017
 * for the L1 criterion; He et al. 2017 for the repair).
 */

import { costOf } from '../analyze/cost.js';
import { dependencyGroups } from '../analyze/groups.js';
import { fromEpoch } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { composePlans } from '../surgery/compose.js';
import type { Plan } from '../surgery/plan.js';
import { evaluate } from '../train/evaluate.js';
import type { EpochMetrics } from '../train/metrics.js';
import { train } from '../train/train.js';
import { cutInParts } from './cut.js';
import { historyStep } from './history-step.js';
import type { PruneData, PruneOptions, RetrainOptions, StepState } from './options.js';
import { isHistory } from './pairs.js';
import { epochsOf, epochsOfSteps, hasGoal, optionsOfStep } from './schedule.js';

export interface Pruned {
  /** The last model within the tolerance: the given one when no step was. */
  graph: Graph;
  plan: Plan;
  accuracy: number;
  macs: number;
  parameters: number;
  /** Validation accuracy of the given graph. */
  baseline: number;
  steps: { step: number; accuracy: number; macs: number; parameters: number }[];
  /** The targets are met by `graph`, which is within the tolerance. */
  met: boolean;
}

/** Prunes in steps with retraining between them; see `RetrainOptions`. Deterministic for one seed and engine. */
export async function prune(
  engine: Engine,
  graph: Graph,
  data: PruneData,
  options: PruneOptions,
  retrain: RetrainOptions,
): Promise<Pruned> {
  const original = dependencyGroups(graph, options.ignore);
  const originalChannels = new Map(original.groups.map((group) => [group.id, group.channels]));
  const from = costOf(graph);
  const baseline = (await evaluate(engine, graph, data.validation)).accuracy;
  const { criterion } = options;
  const budget = epochsOfSteps(retrain, hasGoal(options), isHistory(criterion));
  const states = [...(retrain.finished ?? [])];
  // 0.8 − 0.1 is a little more than 0.7.
  const least = baseline - retrain.tolerance - 1e-9;
  const distillation =
    retrain.distill > 0
      ? { distillation: { teacher: retrain.teacher ?? graph, weight: retrain.distill, temperature: 4 } }
      : {};
  const isTooFar = () => !hasGoal(options) && (states.at(-1)?.accuracy ?? baseline) < least;

  while (states.length < budget.length && !isTooFar()) {
    throwIfAborted(options.signal);
    const step = states.length;
    const current = states.at(-1)?.graph ?? graph;
    const stepOptions = optionsOfStep(options, step, budget.length);
    const context = { from, originalChannels };
    const epochs = budget[step] ?? { train: 0 };
    // Every step sees the data in another order and augmentation.
    const begin = epochsOf(budget.slice(0, step));
    const end = epochsOf(budget.slice(0, step + 1));
    const dataFrom = (epoch: number): PruneData => ({ ...data, train: fromEpoch(data.train, epoch) });
    const seed = options.seed + step;
    const told = (before: number) => (metrics: EpochMetrics) =>
      retrain.onEpoch?.(step, end - begin, { ...metrics, epoch: before + metrics.epoch });
    const cut =
      epochs.history && isHistory(criterion)
        ? await historyStep(engine, current, dataFrom(begin), stepOptions, retrain, context, {
            criterion,
            epochs: epochs.history,
            seed,
            ...distillation,
            onEpoch: told(0),
          })
        : await cutInParts(engine, current, data, stepOptions, retrain, context);
    const { graph: repaired, macs, parameters } = cut;
    const untrained = (await evaluate(engine, repaired, data.validation)).accuracy;
    retrain.onCut?.(step, budget.length, { macs, parameters, accuracy: untrained });
    const trained = await train(engine, repaired, dataFrom(end - epochs.train), {
      ...retrain.training,
      epochs: epochs.train,
      seed,
      ...(options.signal ? { signal: options.signal } : {}),
      ...distillation,
      ...(retrain.checkpoint ? { checkpoint: retrain.checkpoint(step) } : {}),
      onEpoch: told(end - begin - epochs.train),
    });
    // On few images training can harm what the repair left.
    const best = trained.best.accuracy < untrained ? repaired : trained.graph;
    const accuracy = Math.max(trained.best.accuracy, untrained);
    const state: StepState = { step, graph: best, plan: cut.plan, accuracy, macs, parameters };
    states.push(state);
    await retrain.onStep?.(state);
  }

  const last = states.findLast((state) => state.accuracy >= least);
  const { macs, parameters } = last ?? from;
  const kept = states.slice(0, last ? last.step + 1 : 0);
  const fits = (left: number, all: number, target: number | undefined) => target === undefined || left <= target * all;
  return {
    graph: last?.graph ?? graph,
    plan: composePlans(
      original,
      kept.map((state) => state.plan),
    ),
    accuracy: last?.accuracy ?? baseline,
    macs,
    parameters,
    baseline,
    steps: states.map((state) => ({ ...costOfState(state), step: state.step, accuracy: state.accuracy })),
    met:
      last !== undefined &&
      fits(macs, from.macs, options.targets.macs) &&
      fits(parameters, from.parameters, options.targets.parameters),
  };
}

function costOfState({ macs, parameters }: StepState): { macs: number; parameters: number } {
  return { macs, parameters };
}
