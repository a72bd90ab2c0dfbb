/** The training loop. */

import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel, type Model } from '../engine/model.js';
import { TascnetError, throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { Tensor } from '../graph/tensor.js';
import { evaluateModel } from './evaluate.js';
import { type BestEpoch, type EpochMetrics, isBetter } from './metrics.js';
import { createOptimizer, type Learnt } from './optimizer.js';
import type { TrainOptions } from './options.js';
import { createSchedule } from './schedule.js';
import { createStepper } from './step.js';

export interface TrainResult {
  /** With the weights of the best epoch (or the last, where `restoreBest` is false). */
  graph: Graph;
  history: EpochMetrics[];
  best: BestEpoch;
}

/**
 * Trains a classifier by gradient descent on the cross-entropy of its logits.
 * @throws TascnetError when the loss is no longer a number. @throws Interrupted when `options.signal` fires.
 */
export async function train(
  engine: Engine,
  graph: Graph,
  data: { train: BatchSource; validation: BatchSource },
  options: TrainOptions,
): Promise<TrainResult> {
  const model = buildModel(engine, graph, {
    trainable: (name) => !options.frozen?.(name) && (options.multiplier?.(name) ?? 1) !== 0,
  });
  const optimizer = createOptimizer(engine.tf, learntOf(model, options), options.optimizer ?? { kind: 'sgd' });
  const stepsPerEpoch = Math.ceil(data.train.samples / data.train.batchSize);
  const schedule = createSchedule(
    options.schedule ?? { kind: 'constant' },
    options.learningRate,
    stepsPerEpoch,
    options.epochs,
  );
  const stepper = createStepper(engine, model, optimizer, options);
  const seed = options.seed ?? 0;
  const started = performance.now();

  try {
    let history: EpochMetrics[] = [];
    let best: (BestEpoch & { weights: Map<string, Tensor> }) | undefined;
    const saved = await options.checkpoint?.load();
    if (saved) {
      ({ history, best } = saved);
      model.setWeights(saved.weights);
      optimizer.restore(saved.optimizer);
      schedule.restore(saved.schedule);
    }
    const firstStep = history.length * stepsPerEpoch;

    for (let epoch = history.length; epoch < options.epochs; epoch++) {
      if (best && options.patience !== undefined && epoch - best.epoch > options.patience) break;
      const epochStarted = performance.now();
      let step = epoch * stepsPerEpoch;
      let lossSum = 0;
      let correctSum = 0;
      let samples = 0;
      let learningRate = 0;
      let pending: (() => Promise<void>) | undefined;
      for await (const batch of data.train.batches(epoch)) {
        throwIfAborted(options.signal);
        learningRate = schedule.rate(step);
        const outcome = stepper.run(batch, learningRate, stepSeed(seed, step));
        // A step's figures are read while the next one is under way, so that a device never waits for them.
        const [n, at, rate] = [batch.labels.length, step, learningRate];
        const read = async (): Promise<void> => {
          const [loss = Number.NaN, correct = 0] = await outcome.data();
          outcome.dispose();
          if (!Number.isFinite(loss)) throw divergence(loss, epoch, at - epoch * stepsPerEpoch, rate);
          lossSum += loss * n;
          correctSum += correct;
          samples += n;
          const seconds = (performance.now() - started) / 1000;
          const steps = options.epochs * stepsPerEpoch;
          const etaSeconds = (seconds / (at + 1 - firstStep)) * (steps - at - 1);
          const accuracy = correct / n;
          options.onStep?.({ epoch, step: at, steps, loss, accuracy, learningRate: rate, seconds, etaSeconds });
        };
        await pending?.();
        pending = read;
        step++;
      }
      await pending?.();
      if (samples === 0) throw new TascnetError('There is no sample to train on.');

      const validation = await evaluateModel(engine, model, data.validation, { signal: options.signal });
      schedule.epochDone(validation.loss);
      const metrics: EpochMetrics = {
        epoch,
        loss: lossSum / samples,
        accuracy: correctSum / samples,
        validation,
        learningRate,
        seconds: (performance.now() - epochStarted) / 1000,
      };
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
    if (!best) throw new TascnetError('A training of no epochs has no result: epochs must be 1 or more.');
    if (options.restoreBest ?? true) model.setWeights(best.weights);
    const { weights: _, ...bestEpoch } = best;
    return { graph: await model.toGraph(), history, best: bestEpoch };
  } finally {
    stepper.dispose();
    optimizer.dispose();
    model.dispose();
  }
}

/** Weight decay leaves alone what has one element per channel: biases, norms, slopes. */
function learntOf(model: Model, options: TrainOptions): Learnt[] {
  return [...model.variables].map(([name, variable]) => {
    const dims = model.graph.initializers.get(name)?.dims ?? [];
    return {
      name,
      variable,
      multiplier: options.multiplier?.(name) ?? 1,
      decays: dims.slice(1).some((extent) => extent > 1),
    };
  });
}

function stepSeed(seed: number, step: number): number {
  return (Math.imul(seed + 1, 0x9e3779b1) + Math.imul(step + 1, 0x85ebca6b)) | 0;
}

function divergence(loss: number, epoch: number, step: number, learningRate: number): TascnetError {
  return new TascnetError(
    `The loss became ${Number.isNaN(loss) ? 'not a number' : 'infinite'} in epoch ${epoch + 1} at step ${step + 1} (learning rate ${learningRate.toPrecision(3)}).`,
    {
      hint: 'Use a smaller learning rate, a longer warm-up or gradient clipping, and check that the images are normalised as the network expects.',
    },
  );
}
