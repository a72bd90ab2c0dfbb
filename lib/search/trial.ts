/** One trial: the tail in some configuration, trained briefly on features. */

import { costOf } from '../analyze/cost.js';
import { learnableInitializers } from '../analyze/learnable.js';
import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { Interrupted, messageOf, throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { reconstruct } from '../prune/reconstruct.js';
import { type BestEpoch, isBetter } from '../train/metrics.js';
import type { TrainOptions } from '../train/options.js';
import { train } from '../train/train.js';
import { configured, type Repair } from './configure.js';
import { tailOf } from './cut.js';
import { type Taught, taughtBy } from './lessons.js';
import type { Costs, TrialRecord } from './objective.js';
import { NETWORK, type Searchable } from './searchable.js';
import type { Point } from './space.js';
import { STOP_RULES, type StopRuleName } from './stop-rule.js';
import { warmStart } from './warm-start.js';

/** What a trial is asked to do. Plain data, as are the next two: they reach other processes. */
export interface TrialJob {
  /** Counted over the whole search. */
  trial: number;
  depth: number;
  /** The value at which the frozen part ends. */
  cut: string;
  configuration: Point;
  /** For new weights and dropout. */
  seed: number;
  /** Validation accuracies of the trials that it is compared with while it runs. */
  others: readonly (readonly number[])[];
}

export type TrialTraining = Pick<
  TrainOptions,
  | 'epochs'
  | 'learningRate'
  | 'optimizer'
  | 'schedule'
  | 'labelSmoothing'
  | 'classWeights'
  | 'clipNorm'
  | 'patience'
  | 'batchNorm'
> & {
  /** Weight of learning from the network as it came, whose tail reads the same features. Default 0. */
  distill?: number;
};

export interface TrialSetting {
  training: TrialTraining;
  /** When weak trials are stopped. */
  stop: StopRuleName;
}

export interface TrialResult {
  record: TrialRecord;
  /** The trained part with the weights of the best epoch; undefined when it failed or was stopped. */
  tail?: Graph | undefined;
}

/** Thrown from within a training to end it. */
class Weak extends Error {}

/**
 * Runs a trial. What goes wrong in its training (not a number, out of memory) is its result, not an error.
 * @throws TascnetError when the configuration cannot be built; Interrupted when the signal fires.
 */
export async function runTrial(
  engine: Engine,
  searchable: Searchable,
  features: { train: BatchSource; validation: BatchSource },
  { training, stop }: TrialSetting,
  job: TrialJob,
  signal?: AbortSignal,
): Promise<TrialResult> {
  throwIfAborted(signal);
  const started = performance.now();
  const curve: number[] = [];
  let best: BestEpoch | undefined;
  let taught: Taught | undefined;
  const { record: plan, graph, tail } = await planned(searchable, job);
  const record = (): TrialRecord => ({ ...plan, curve, seconds: (performance.now() - started) / 1000 });
  try {
    const shared = sharedWithPrefix(graph, tail);
    // The network as it came is as good as it is; what the prefix uses too must stay.
    const asItCame = graph === searchable.graph;
    const start = asItCame || shared.size > 0 ? tail : await fitted(engine, searchable, job, features.train, signal);
    const { distill = 0, ...own } = training;
    const teacher = distill > 0 ? teacherOf(searchable, job) : undefined;
    taught = teacher && taughtBy(engine, features.train, teacher, searchable.graph, job.cut);
    const sources = taught ? { ...features, train: taught.source } : features;
    const result = await train(engine, start, sources, {
      ...own,
      ...(teacher ? { distillation: { teacher, weight: distill } } : {}),
      frozen: (name) => shared.has(name),
      seed: job.seed,
      ...(signal ? { signal } : {}),
      onEpoch: ({ epoch, validation }) => {
        curve.push(validation.accuracy);
        if (isBetter(validation, best)) best = { epoch, accuracy: validation.accuracy, loss: validation.loss };
        if (STOP_RULES[stop]({ curve, others: job.others, epochs: training.epochs })) throw new Weak();
      },
    });
    const { accuracy, loss } = result.best;
    return { record: { ...record(), accuracy, loss }, tail: result.graph };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    if (error instanceof Weak)
      return { record: { ...record(), accuracy: best?.accuracy, loss: best?.loss, stopped: true } };
    return { record: { ...record(), failed: messageOf(error) } };
  } finally {
    taught?.dispose();
  }
}

/** What is known of a trial before it runs, for one that cannot: its costs, and why it failed. */
export async function failedTrial(searchable: Searchable, job: TrialJob, reason: string): Promise<TrialRecord> {
  return { ...(await planned(searchable, job)).record, failed: reason };
}

/** Multiply-adds and parameters of the whole network in a configuration. */
export async function costsAt(searchable: Searchable, configuration: Point): Promise<Costs> {
  return costOf(await configured(searchable, configuration, 0));
}

/** The whole network of a trial, with the weights that its tail was left with. */
export async function networkOf(searchable: Searchable, job: TrialJob, trained: Graph): Promise<Graph> {
  const { graph, tail } = await planned(searchable, job);
  const shared = sharedWithPrefix(graph, tail);
  const weights = [...trained.initializers].filter(([name]) => graph.initializers.has(name) && !shared.has(name));
  return { ...graph, initializers: new Map([...graph.initializers, ...weights]) };
}

/** The tail of a trial with what its features tell of its weights: layers that read removed channels, batch norms, classifier. */
async function fitted(
  engine: Engine,
  searchable: Searchable,
  { configuration, cut, seed }: TrialJob,
  features: BatchSource,
  signal: AbortSignal | undefined,
): Promise<Graph> {
  const repair: Repair = async (uncut, { graph, kept }) => {
    const parts = { uncut: tailOf(uncut, cut), cut: { graph: tailOf(graph, cut), kept } };
    const { initializers } = await reconstruct(engine, parts.uncut, parts.cut, features, signal);
    return { ...graph, initializers: new Map([...graph.initializers, ...initializers]) };
  };
  const tail = tailOf(await configured(searchable, configuration, seed, repair), cut);
  return warmStart(engine, tail, features, { signal });
}

/** What the network as it came makes of the features. On images of another size it has not been trained: it teaches nothing there. */
function teacherOf({ graph, sizes }: Searchable, { configuration, cut }: TrialJob): Graph | undefined {
  const resized = sizes.get(Number(configuration[NETWORK.imageSize]));
  return resized === undefined || resized === graph ? tailOf(graph, cut) : undefined;
}

async function planned(searchable: Searchable, { trial, depth, configuration, cut, seed }: TrialJob) {
  const graph = await configured(searchable, configuration, seed);
  const tail = tailOf(graph, cut);
  const { macs, parameters } = costOf(graph);
  const trained = costOf(tail);
  const record: TrialRecord = {
    trial,
    depth,
    configuration,
    macs,
    parameters,
    trainableParameters: trained.parameters,
    trainedMacs: trained.macs,
    curve: [],
    seconds: 0,
  };
  return { graph, tail, record };
}

/** Weights that the prefix uses too: they stay as they are, or the features would no longer be right. */
function sharedWithPrefix(graph: Graph, tail: Graph): Set<string> {
  const inTail = new Set(tail.nodes.map(({ name }) => name));
  const { parameters, buffers } = learnableInitializers(tail);
  const shared = new Set<string>();
  for (const node of graph.nodes)
    if (!inTail.has(node.name))
      for (const name of node.inputs) if (parameters.has(name) || buffers.has(name)) shared.add(name);
  return shared;
}
