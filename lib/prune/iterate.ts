/**
 * Stage 2: remove some, repair, fine-tune, and again, for as long as accuracy holds (TASCNet section III; Li et al. 2017
 * for the L1 criterion; He et al. 2017 for the repair).
 */

import { costOf } from '../analyze/cost.js';
import { dependencyGroups } from '../analyze/groups.js';
import type { Engine } from '../engine/engine.js';
import { throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { composePlans } from '../surgery/compose.js';
import type { Plan } from '../surgery/plan.js';
import { evaluate } from '../train/evaluate.js';
import { train } from '../train/train.js';
import { criterionNamed } from './criteria/index.js';
import { measureTaylor } from './gradients.js';
import { type HistoryEpochs, historyStep } from './history-step.js';
import { type OneShot, type OneShotContext, pruneOnce } from './one-shot.js';
import type { PruneData, PruneOptions, RetrainOptions, StepState } from './options.js';
import { reconstruct } from './reconstruct.js';

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
  const budget = epochsOfSteps(retrain, hasGoal(options), options.criterion === HISTORY);
  const states = [...(retrain.finished ?? [])];
  const isTooFar = () => !hasGoal(options) && (states.at(-1)?.accuracy ?? baseline) < baseline - retrain.tolerance;

  while (states.length < budget.length && !isTooFar()) {
    throwIfAborted(options.signal);
    const step = states.length;
    const current = states.at(-1)?.graph ?? graph;
    const stepOptions = optionsOfStep(options, step, budget.length);
    const context = { from, originalChannels };
    const epochs = budget[step] ?? { train: 0 };
    const { before, cut } = epochs.history
      ? await historyStep(engine, current, data, stepOptions, retrain, context, epochs.history, options.seed + step)
      : await scoredStep(engine, current, data, stepOptions, context);
    const repaired = retrain.reconstruct
      ? await reconstruct(engine, before, cut, data.calibration, options.signal)
      : cut.graph;
    const { macs, parameters } = cut;
    const untrained = (await evaluate(engine, repaired, data.validation)).accuracy;
    retrain.onCut?.(step, { macs, parameters, accuracy: untrained });
    const trained = await train(engine, repaired, data, {
      ...retrain.training,
      epochs: epochs.train,
      seed: options.seed + step,
      ...(options.signal ? { signal: options.signal } : {}),
      ...(retrain.distill > 0 ? { distillation: { teacher: graph, weight: retrain.distill, temperature: 4 } } : {}),
      ...(retrain.checkpoint ? { checkpoint: retrain.checkpoint(step) } : {}),
      onEpoch: (metrics) => retrain.onEpoch?.(step, epochs.train, metrics),
    });
    const accuracy = trained.best.accuracy;
    const state: StepState = { step, graph: trained.graph, plan: cut.plan, accuracy, macs, parameters };
    states.push(state);
    await retrain.onStep?.(state);
  }

  const last = states.findLast((state) => state.accuracy >= baseline - retrain.tolerance);
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

/** Scores by the weights or the gradients as they are. */
async function scoredStep(
  engine: Engine,
  graph: Graph,
  data: PruneData,
  options: PruneOptions,
  context: OneShotContext,
): Promise<{ before: Graph; cut: OneShot }> {
  const measured = criterionNamed(options.criterion).needs === 'gradients';
  const dependencies = measured ? dependencyGroups(graph, options.ignore) : undefined;
  const taylor = dependencies && (await measureTaylor(engine, graph, dependencies, data.calibration, options.signal));
  return { before: graph, cut: await pruneOnce(graph, options, { ...context, taylor }) };
}

/** A target or a ratio is worked towards; without one, pruning goes on while accuracy holds. */
function hasGoal({ targets, ratio }: PruneOptions): boolean {
  return targets.macs !== undefined || targets.parameters !== undefined || ratio !== undefined;
}

/** The criterion that records the training. */
export const HISTORY = 'history';

/** Without a goal, every step leaves this fraction of the MACs. */
const OPEN_STEP = 0.85;

/** Equal factors from step to step: the cuts become smaller as the network does. */
function optionsOfStep(options: PruneOptions, step: number, steps: number): PruneOptions {
  if (!hasGoal(options)) return { ...options, targets: { macs: OPEN_STEP ** (step + 1) } };
  const part = (target: number | undefined) => (target === undefined ? undefined : target ** ((step + 1) / steps));
  const ratio = options.ratio === undefined ? undefined : 1 - (1 - options.ratio) ** (1 / steps);
  return {
    ...options,
    ratio,
    targets: { macs: part(options.targets.macs), parameters: part(options.targets.parameters) },
  };
}

interface StepEpochs {
  history?: HistoryEpochs;
  /** After the cut. */
  train: number;
}

/**
 * Epochs of each step. Towards a goal the steps on the way get one in ten of the epochs each and the last step the rest;
 * without a goal any step may be the last, so that all get the same. The history method needs three epochs a step: one to
 * record, one to make pairs alike, one to recover.
 */
function epochsOfSteps({ epochs, steps }: RetrainOptions, goal: boolean, history: boolean): StepEpochs[] {
  const least = history ? 3 : 1;
  const count = Math.max(1, Math.min(steps, Math.floor(epochs / least)));
  const equal = (step: number) => Math.floor(((step + 1) * epochs) / count) - Math.floor((step * epochs) / count);
  const short = Math.max(least, Math.round(epochs / 10));
  const shares = Array.from({ length: count }, (_, step) => {
    if (!goal || short * count > epochs) return equal(step);
    return step < count - 1 ? short : epochs - short * (count - 1);
  });
  return shares.map((share): StepEpochs => {
    if (!history) return { train: share };
    const part = Math.max(1, Math.floor(share / 4));
    return { history: { record: part, optimise: part }, train: Math.max(1, share - 2 * part) };
  });
}
