/** One trial: the tail in some configuration, trained briefly on features. */

import { costOf } from '../analyze/cost.js';
import { learnableInitializers } from '../analyze/learnable.js';
import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { Interrupted, messageOf, throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { type BestEpoch, isBetter } from '../train/metrics.js';
import type { TrainOptions } from '../train/options.js';
import { train } from '../train/train.js';
import { tailOf } from './cut.js';
import type { TrialRecord } from './objective.js';
import type { Point } from './space.js';
import { configured, type Searchable } from './space-of-graph.js';

export interface TrialSetting {
  searchable: Searchable;
  depth: number;
  cut: string;
  features: { train: BatchSource; validation: BatchSource };
  training: Omit<TrainOptions, 'seed' | 'signal' | 'onEpoch' | 'checkpoint'>;
  signal?: AbortSignal | undefined;
}

export interface TrialResult {
  record: TrialRecord;
  /** The whole network in the configuration, with the weights of the best epoch; undefined when it failed or was stopped. */
  graph?: Graph | undefined;
}

/** Thrown from within a training to end it. */
class Weak extends Error {}

/**
 * Runs a trial. What goes wrong in its training (not a number, out of memory) is its result, not an error.
 * @param isWeak after each epoch, told the validation accuracies so far: whether to go on is not worth it.
 * @throws TascnetError when the configuration cannot be built; Interrupted when the signal fires.
 */
export async function runTrial(
  engine: Engine,
  { searchable, depth, cut, features, training, signal }: TrialSetting,
  { trial, configuration, seed }: { trial: number; configuration: Point; seed: number },
  isWeak: (curve: readonly number[]) => boolean,
): Promise<TrialResult> {
  throwIfAborted(signal);
  const started = performance.now();
  const curve: number[] = [];
  let best: BestEpoch | undefined;
  const graph = await configured(searchable, configuration, seed);
  const tail = tailOf(graph, cut);
  const { macs, parameters } = costOf(graph);
  const trained = costOf(tail);
  const record = (): TrialRecord => ({
    trial,
    depth,
    configuration,
    macs,
    parameters,
    trainableParameters: trained.parameters,
    trainedMacs: trained.macs,
    curve,
    seconds: (performance.now() - started) / 1000,
  });
  try {
    const shared = sharedWithPrefix(graph, tail);
    const { frozen } = training;
    const result = await train(engine, tail, features, {
      ...training,
      frozen: (name) => shared.has(name) || (frozen?.(name) ?? false),
      seed,
      ...(signal ? { signal } : {}),
      onEpoch: ({ epoch, validation }) => {
        curve.push(validation.accuracy);
        if (isBetter(validation, best)) best = { epoch, accuracy: validation.accuracy, loss: validation.loss };
        if (isWeak(curve)) throw new Weak();
      },
    });
    const { accuracy, loss } = result.best;
    const weights = [...result.graph.initializers].filter(
      ([name]) => graph.initializers.has(name) && !shared.has(name),
    );
    const initializers = new Map([...graph.initializers, ...weights]);
    return { record: { ...record(), accuracy, loss }, graph: { ...graph, initializers } };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    if (error instanceof Weak)
      return { record: { ...record(), accuracy: best?.accuracy, loss: best?.loss, stopped: true } };
    return { record: { ...record(), failed: messageOf(error) } };
  }
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
