/** What can be asked of a training. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Model } from '../engine/model.js';
import type { Graph } from '../graph/graph.js';
import type { Tf } from '../ops/operator.js';
import type { EpochMetrics, StepMetrics } from './metrics.js';
import type { OptimizerOptions } from './optimizer.js';
import type { ScheduleOptions } from './schedule.js';
import type { Checkpoint } from './state.js';

export interface TrainOptions {
  epochs: number;
  /** The base learning rate, which the schedule scales. */
  learningRate: number;
  /** Default: sgd with Nesterov momentum 0.9. */
  optimizer?: OptimizerOptions;
  /** Default: constant. */
  schedule?: ScheduleOptions;
  /** Share of the target spread evenly over all classes. Default 0. */
  labelSmoothing?: number;
  /** Weight of each class in the loss. */
  classWeights?: readonly number[];
  /** Gradients are scaled down to this global norm. Default: no limit. */
  clipNorm?: number;
  /** Stop after this many epochs without a better validation result. Default: never. */
  patience?: number;
  /** Whether the weights of the best epoch are handed back, else those of the last. Default true. */
  restoreBest?: boolean;
  /** `frozen`: batch norm keeps its running statistics. Default `train`. */
  batchNorm?: 'train' | 'frozen';
  /** Initializers that stay as they are, running statistics of batch norms included. Default: none. */
  frozen?: (initializer: string) => boolean;
  /** Factor on the learning rate of an initializer. Default 1. */
  multiplier?: (initializer: string) => number;
  /** Epochs before an initializer is learnt: up to there it stays as it is. Default 0. */
  startsAfter?: (initializer: string) => number;
  /** A differentiable term added to the loss of every step. */
  extraLoss?: (model: Model, tf: Tf) => tfjs.Scalar;
  /**
   * loss = (1 - weight) · cross-entropy + weight · distillation. Temperature: default 4. The teacher sees `forTeacher` of a
   * batch where it has one, else what the student sees; where a batch brings `logitsOfTeacher`, it is not asked.
   */
  distillation?: { teacher: Graph; weight: number; temperature?: number };
  /** For dropout. The order of the data is the batch source's own. Default 0. */
  seed?: number;
  /** Saved after each epoch; a training that finds a saved state goes on from it as if it had not stopped. */
  checkpoint?: Checkpoint;
  signal?: AbortSignal;
  onStep?: (metrics: StepMetrics) => void;
  /** Called, and waited for, after each epoch and before its checkpoint; `model` holds the current weights. */
  onEpoch?: (metrics: EpochMetrics, model: Model) => void | Promise<void>;
}
