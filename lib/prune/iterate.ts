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
import { cutInParts } from './cut.js';
import { type HistoryEpochs, historyStep } from './history-step.js';
import type { PruneData, PruneOptions, RetrainOptions, StepState } from './options.js';

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
    const cut = epochs.history
      ? await historyStep(engine, current, data, stepOptions, retrain, context, epochs.history, options.seed + step)
      : await cutInParts(engine, current, data, stepOptions, retrain, context);
    const { graph: repaired, macs, parameters } = cut;
    const untrained = (await evaluate(engine, repaired, data.validation)).accuracy;
    retrain.onCut?.(step, budget.length, { macs, parameters, accuracy: untrained });
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

/** A target or a ratio is worked towards; without one, pruning goes on while accuracy holds. */
function hasGoal({ targets, ratio }: PruneOptions): boolean {
  return targets.macs !== undefined || targets.parameters !== undefined || ratio !== undefined;
}

/** The criterion that records the training. */
export const HISTORY = 'history';

/** Without a goal there are at most so many steps. */
const OPEN_STEPS = 10;

/** Without a goal, every step leaves this fraction of the MACs. */
const OPEN_STEP = 0.85;

/** Equal factors from step to step: the cuts become smaller as the network does. */
function optionsOfStep(options: PruneOptions, step: number, steps: number): PruneOptions {
  const goal = hasGoal(options);
  const part = (target: number | undefined, done: number) =>
    target === undefined ? undefined : target ** (done / steps);
  const targetsAfter = (done: number): PruneOptions['targets'] =>
    goal
      ? { macs: part(options.targets.macs, done), parameters: part(options.targets.parameters, done) }
      : { macs: OPEN_STEP ** done };
  const ratio = options.ratio === undefined ? undefined : 1 - (1 - options.ratio) ** (1 / steps);
  return { ...options, ratio, targets: targetsAfter(step + 1), previous: targetsAfter(step) };
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
  const wanted = steps ?? (goal && !history ? 1 : OPEN_STEPS);
  const count = Math.max(1, Math.min(wanted, Math.floor(epochs / least)));
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
