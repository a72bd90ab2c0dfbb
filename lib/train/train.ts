/** The training loop. */

import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel, type Model } from '../engine/model.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { stepsOf, trainEpoch } from './epoch.js';
import { evaluateModel } from './evaluate.js';
import { type BestEpoch, type EpochMetrics, isBetter } from './metrics.js';
import { createOptimizer, type Learnt } from './optimizer.js';
import type { TrainOptions } from './options.js';
import { createSchedule } from './schedule.js';
import type { TrainState } from './state.js';
import { createStepper, type Stepper } from './step.js';

export interface TrainData {
  train: BatchSource;
  validation: BatchSource;
}

export interface TrainResult {
  /** With the weights of the best epoch (or the last, where `restoreBest` is false). */
  graph: Graph;
  history: EpochMetrics[];
  best: BestEpoch;
}

/** A short training spends no larger share of its epochs on warming up. */
const LONGEST_WARMUP = 0.25;

/**
 * Trains a classifier by gradient descent on the cross-entropy of its logits.
 * @throws TascnetError when the loss is no longer a number. @throws Interrupted when `options.signal` fires.
 */
export async function train(
  engine: Engine,
  graph: Graph,
  data: TrainData,
  options: TrainOptions,
): Promise<TrainResult> {
  if (!Number.isInteger(options.epochs) || options.epochs < 1)
    throw new TascnetError(`A training needs one epoch or more, but ${options.epochs} were asked for.`);
  const model = buildModel(engine, graph, {
    trainable: (name) => !options.frozen?.(name) && (options.multiplier?.(name) ?? 1) !== 0,
  });
  try {
    if (model.variables.size === 0) throw new TascnetError('The network has nothing to learn: every weight is frozen.');
    const { history, best } = await trainModel(engine, model, data, options);
    if (options.restoreBest ?? true) model.setWeights(best.weights);
    const { weights: _, ...bestEpoch } = best;
    return { graph: await model.toGraph(), history, best: bestEpoch };
  } finally {
    model.dispose();
  }
}

type Trained = Pick<TrainState, 'history'> & { best: NonNullable<TrainState['best']> };

/** Leaves the weights of the last epoch in `model`. */
async function trainModel(engine: Engine, model: Model, data: TrainData, options: TrainOptions): Promise<Trained> {
  const stepsPerEpoch = stepsOf(data.train);
  const learnt = learntOf(model, options, stepsPerEpoch);
  const optimizer = createOptimizer(engine.tf, learnt, options.optimizer ?? { kind: 'sgd' });
  let stepper: Stepper | undefined;
  const { learningRate, epochs } = options;
  const { warmup = 0, ...shape } = options.schedule ?? { kind: 'constant' };
  const warm = { ...shape, warmup: Math.min(warmup, epochs * LONGEST_WARMUP) };
  const schedule = createSchedule(warm, learningRate, stepsPerEpoch, epochs);
  try {
    stepper = createStepper(engine, model, optimizer, options);
    let history: EpochMetrics[] = [];
    let best: TrainState['best'];
    const saved = await options.checkpoint?.load();
    if (saved) {
      ({ history, best } = saved);
      model.setWeights(saved.weights);
      optimizer.restore(saved.optimizer);
      schedule.restore(saved.schedule);
    }
    const begun = { at: performance.now(), step: history.length * stepsPerEpoch };

    for (let epoch = history.length; epoch < epochs; epoch++) {
      if (best && options.patience !== undefined && epoch - best.epoch > options.patience) break;
      const started = performance.now();
      const outcome = await trainEpoch({ stepper, schedule, source: data.train, options, epoch, begun });
      const validation = await evaluateModel(engine, model, data.validation, { signal: options.signal });
      schedule.epochDone(validation.loss);
      const metrics: EpochMetrics = { epoch, ...outcome, validation, seconds: (performance.now() - started) / 1000 };
      history = [...history, metrics];
      const weights = await model.weights();
      if (isBetter(validation, best)) best = { epoch, accuracy: validation.accuracy, loss: validation.loss, weights };
      await options.onEpoch?.(metrics, model);
      await options.checkpoint?.save({
        epochs: history.length,
        weights,
        optimizer: await optimizer.state(),
        schedule: schedule.state(),
        history,
        best,
      });
    }
    if (!best) throw new TascnetError('The training has no result: its checkpoint holds no epoch.');
    return { history, best };
  } finally {
    stepper?.dispose();
    optimizer.dispose();
  }
}

/** Weight decay leaves alone what has one element per channel: biases, norms, slopes. */
function learntOf(model: Model, options: TrainOptions, stepsPerEpoch: number): Learnt[] {
  return [...model.variables].map(([name, variable]) => {
    const dims = model.graph.initializers.get(name)?.dims ?? [];
    return {
      name,
      variable,
      multiplier: options.multiplier?.(name) ?? 1,
      decays: dims.slice(1).some((extent) => extent > 1),
      after: Math.round((options.startsAfter?.(name) ?? 0) * stepsPerEpoch),
    };
  });
}
