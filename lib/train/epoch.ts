/** One pass over the training data. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { BatchSource } from '../data/batch.js';
import { TascnetError, throwIfAborted } from '../errors.js';
import type { TrainOptions } from './options.js';
import type { Schedule } from './schedule.js';
import type { Stepper } from './step.js';

export interface EpochContext {
  stepper: Stepper;
  schedule: Schedule;
  source: BatchSource;
  options: TrainOptions;
  /** Counted from 0. */
  epoch: number;
  /** When this process began to train, as of `performance.now()`, and its first step. */
  begun: { at: number; step: number };
}

export interface EpochOutcome {
  loss: number;
  accuracy: number;
  /** Of the last step. */
  learningRate: number;
}

/** A step whose figures are still on the engine. */
interface Unread {
  outcome: tfjs.Tensor;
  samples: number;
  step: number;
  learningRate: number;
}

/** Steps of one epoch. */
export function stepsOf(source: BatchSource): number {
  return Math.ceil(source.samples / source.batchSize);
}

/** @throws TascnetError when the loss of a step is no longer a number. */
export async function trainEpoch(context: EpochContext): Promise<EpochOutcome> {
  const { stepper, schedule, source, options, epoch, begun } = context;
  const first = epoch * stepsOf(source);
  const steps = options.epochs * stepsOf(source);
  const seed = options.seed ?? 0;
  const unread: Unread[] = [];
  const total = { loss: 0, correct: 0, samples: 0 };
  let learningRate = 0;

  const read = async (): Promise<void> => {
    const told = unread.shift();
    if (!told) return;
    const { outcome, samples, step } = told;
    const [loss = Number.NaN, correct = 0] = await outcome.data();
    outcome.dispose();
    if (!Number.isFinite(loss)) throw divergence(loss, epoch, step - first, told.learningRate);
    total.loss += loss * samples;
    total.correct += correct;
    total.samples += samples;
    const seconds = (performance.now() - begun.at) / 1000;
    options.onStep?.({
      epoch,
      step,
      steps,
      loss,
      accuracy: correct / samples,
      learningRate: told.learningRate,
      seconds,
      etaSeconds: (seconds / (step + 1 - begun.step)) * (steps - step - 1),
    });
  };

  try {
    let step = first;
    for await (const batch of source.batches(epoch)) {
      throwIfAborted(options.signal);
      learningRate = schedule.rate(step);
      const outcome = stepper.run(batch, learningRate, stepSeed(seed, step));
      unread.push({ outcome, samples: batch.labels.length, step, learningRate });
      // A step's figures are read while the next one is under way, so that a device never waits for them.
      if (unread.length > 1) await read();
      step++;
    }
    await read();
  } finally {
    for (const { outcome } of unread) outcome.dispose();
  }
  if (total.samples === 0) throw new TascnetError('There is no sample to train on.');
  return { loss: total.loss / total.samples, accuracy: total.correct / total.samples, learningRate };
}

function stepSeed(seed: number, step: number): number {
  return (Math.imul(seed + 1, 0x9e3779b1) + Math.imul(step + 1, 0x85ebca6b)) | 0;
}

function divergence(loss: number, epoch: number, step: number, learningRate: number): TascnetError {
  return new TascnetError(
    `The loss became ${Number.isNaN(loss) ? 'not a number' : 'infinite'} in epoch ${epoch + 1} at step ${step + 1} (learning rate ${learningRate.toPrecision(3)}).`,
    {
      hint: 'Use a smaller learning rate, a longer warm-up or gradient clipping, and check that the data are prepared as the network expects.',
    },
  );
}
