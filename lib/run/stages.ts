/** The parts of a run that train: plain fine-tuning, and pruning with its steps kept so that it can go on. */

import * as z from 'zod';
import { costOf } from '../analyze/cost.js';
import { isText } from '../data/input-preprocessing.js';
import type { Engine } from '../engine/engine.js';
import { globOf } from '../graph/glob.js';
import type { Graph } from '../graph/graph.js';
import { eventsOfKind, type Journal } from '../journal.js';
import { type Pruned, prune } from '../prune/iterate.js';
import type { PruneOptions, StepState } from '../prune/options.js';
import type { Override } from '../prune/ranking.js';
import type { Plan } from '../surgery/plan.js';
import { evaluate } from '../train/evaluate.js';
import { layerwise } from '../train/layers.js';
import { type EpochMetrics, isBetter } from '../train/metrics.js';
import type { TrainOptions } from '../train/options.js';
import { train } from '../train/train.js';
import type { RunDirectory } from './directory.js';
import type { Hooks } from './hooks.js';
import { journalNumber } from './phases.js';
import type { PreparedData } from './prepare-data.js';
import { sensitivityOf } from './sensitivity.js';
import type { PruneSettings, TrainingSettings } from './settings.js';
import { trainingOptions } from './training.js';

/** Where a part of a run may keep what it needs to go on; a command without a run folder has none. */
export interface Keep {
  directory: RunDirectory;
  journal: Journal;
}

/** What one training does otherwise than the settings say: a teacher with the same classes, what stays as it is, the rate. */
export interface Guidance extends Partial<Pick<TrainOptions, 'distillation' | 'frozen' | 'learningRate'>> {
  /** The weights as they came have been trained: they are handed back where no epoch is better, see `isBetter`. */
  startCounts?: boolean;
  /** Which of the training samples are seen. Default: those of a student where there is a teacher. */
  samples?: 'train' | 'student';
}

export interface Finetuned {
  graph: Graph;
  /** Of the best epoch, 0 … 1, on the validation data. */
  accuracy: number;
  loss: number;
}

/**
 * Trains the weights of `graph`; `name` is shown with the progress and names the training's checkpoint.
 */
export async function finetune(
  name: string,
  engine: Engine,
  graph: Graph,
  data: Pick<PreparedData, 'train' | 'student' | 'validation' | 'classWeights'>,
  settings: TrainingSettings & { seed: number },
  epochs: number,
  hooks: Hooks,
  keep?: Keep,
  { startCounts = false, samples, ...guidance }: Guidance = {},
): Promise<Finetuned> {
  const source = { ...data, train: data[samples ?? (guidance.distillation ? 'student' : 'train')] };
  const trained = await train(engine, graph, source, {
    ...trainingOptions(settings, data),
    ...layerwise(graph, { layerDecay: settings.layerDecay ?? 1, unfreeze: settings.unfreeze ?? 0 }, epochs),
    epochs,
    seed: settings.seed,
    ...(hooks.signal ? { signal: hooks.signal } : {}),
    ...(keep ? { checkpoint: keep.directory.training(name) } : {}),
    ...guidance,
    onEpoch: (metrics) => tellEpoch(name, epochs, metrics, hooks, keep),
  });
  const { accuracy, loss } = trained.best;
  if (startCounts) {
    const start = await evaluate(engine, graph, data.validation, { signal: hooks.signal });
    if (isBetter(start, trained.best)) {
      const [before, after] = [start, trained.best].map(
        (one) => `${(100 * one.accuracy).toFixed(1)} %, loss ${one.loss.toFixed(3)}`,
      );
      const message = `No epoch bettered the weights as they came (${before}; the best epoch: ${after}): they stay.`;
      hooks.onEvent({ kind: 'note', message });
      return { graph, accuracy: start.accuracy, loss: start.loss };
    }
  }
  return { graph: trained.graph, accuracy, loss };
}

/** Tells of an epoch, with the time that the rest will take, and writes it to the journal. */
function tellEpoch(name: string, epochs: number, metrics: EpochMetrics, hooks: Hooks, keep: Keep | undefined): void {
  const { epoch, loss, validation, learningRate, seconds } = metrics;
  const secondsLeft = seconds * (epochs - epoch - 1);
  hooks.onEvent({ kind: 'epoch', what: name, epoch, epochs, loss, accuracy: validation.accuracy, secondsLeft });
  const fields = { part: name, epoch, loss, accuracy: metrics.accuracy, learningRate, seconds };
  keep?.journal.append('epoch', {
    ...fields,
    validationAccuracy: validation.accuracy,
    validationLoss: validation.loss,
  });
}

/** What surgery may do, from the settings. */
export function pruneOptions(settings: PruneSettings & { seed: number }, hooks: Hooks): PruneOptions {
  const patterns = settings.ignore.map(globOf);
  return {
    criterion: settings.criterion,
    historyRate: settings.historyRate,
    lambda: settings.lambda,
    merge: settings.merge,
    targets: { macs: settings.targetMacs, parameters: settings.targetParams, latency: settings.latencyGoal?.fraction },
    latencyModel: settings.latencyGoal && {
      rates: new Map(Object.entries(settings.latencyGoal.rates)),
      from: settings.latencyGoal.from,
    },
    ratio: settings.ratio,
    overrides: (settings.layerRatios ?? []).map(overrideOf),
    ranking: settings.ranking,
    reduce: settings.reduce,
    normalize: settings.normalize,
    roundTo: settings.roundTo,
    minChannels: settings.minChannels,
    maxRatio: settings.maxRatio,
    ignore: (initializer) => patterns.some((pattern) => pattern.test(initializer)),
    seed: settings.seed,
    signal: hooks.signal,
  };
}

/** `NAME=RATIO`, as the table of options has checked. */
function overrideOf(text: string): Override {
  const equals = text.lastIndexOf('=');
  const pattern = text.slice(0, equals);
  const glob = globOf(pattern);
  return { pattern, ratio: Number(text.slice(equals + 1)), matches: (initializer) => glob.test(initializer) };
}

const indices = z.array(z.int().min(0));
const planSchema: z.ZodType<Plan> = z.object({
  groups: z.array(
    z.object({
      id: z.string(),
      channels: z.int(),
      removed: indices,
      merged: z.array(z.tuple([z.int().min(0), z.int().min(0)])),
      members: z.array(z.object({ tensor: z.string(), axis: z.int().min(0), removed: indices })),
    }),
  ),
  pinned: z.array(z.object({ node: z.string(), reason: z.string() })),
});
/** What a fine-tuning leaves besides its graph. */
export const tunedSchema = z.object({ accuracy: journalNumber, loss: journalNumber });

const costSchema = { macs: z.number(), parameters: z.number() };
/** What pruning leaves besides its graph. */
export const prunedSchema = z.object({
  plan: planSchema,
  accuracy: journalNumber,
  ...costSchema,
  baseline: journalNumber,
  steps: z.array(z.object({ step: z.int().min(0), accuracy: journalNumber, ...costSchema })),
  met: z.boolean(),
});
const stepSchema = z.object({ step: z.int().min(0), plan: planSchema, accuracy: z.number(), ...costSchema });

/** Prunes with retraining towards `teacher`; finished steps are in the journal and the checkpoints of `keep`. */
export async function pruneStage(
  engine: Engine,
  graph: Graph,
  data: PreparedData,
  settings: PruneSettings & TrainingSettings & { seed: number },
  epochs: number,
  hooks: Hooks,
  keep?: Keep,
  teacher = graph,
): Promise<Pruned> {
  const { macs, parameters } = costOf(graph);
  const nameOf = (step: number) => `prune-${step}`;
  const source = settings.distill > 0 ? { ...data, train: data.student } : data;
  const options = pruneOptions(settings, hooks);
  // What an embedding is worth cannot be told by first-order scores: its channels are positive as often as negative.
  const measured = settings.sensitivity ?? isText(data.preprocessing);
  const sensitivity = measured ? await sensitivityOf(engine, graph, data, options, hooks) : undefined;
  return prune(engine, graph, source, sensitivity ? { ...options, sensitivity } : options, {
    epochs,
    steps: settings.steps,
    cuts: settings.cuts,
    tolerance: settings.tolerance / 100,
    reconstruct: settings.reconstruct,
    distill: settings.distill,
    teacher,
    training: trainingOptions({ ...settings, learningRate: settings.pruneLearningRate ?? settings.learningRate }, data),
    finished: keep ? await finishedSteps(keep, nameOf) : [],
    ...(keep ? { checkpoint: (step) => keep.directory.training(nameOf(step)) } : {}),
    onCut: (step, steps, cut) => {
      const left = { macs: cut.macs / macs, parameters: cut.parameters / parameters };
      hooks.onEvent({ kind: 'pruned', step, steps, ...left, accuracy: cut.accuracy });
      keep?.journal.append('cut', { step, ...cut });
    },
    onEpoch: (step, of, metrics) => tellEpoch(nameOf(step), of, metrics, hooks, keep),
    onStep: async (state) => {
      if (!keep) return;
      const { step, plan, accuracy } = state;
      await keep.directory.saveGraph(nameOf(step), state.graph);
      keep.journal.append('step', { step, plan, accuracy, macs: state.macs, parameters: state.parameters });
      await keep.directory.forgetTraining(nameOf(step));
    },
  });
}

/** @throws TascnetError naming the event of the journal that is no step. */
export async function finishedSteps(
  { journal, directory }: Keep,
  nameOf: (step: number) => string,
): Promise<StepState[]> {
  const states: StepState[] = [];
  for (const state of eventsOfKind(journal.events, 'step', stepSchema)) {
    const graph = await directory.loadGraph(nameOf(state.step));
    if (graph && state.step === states.length) states.push({ ...state, graph });
  }
  return states;
}
