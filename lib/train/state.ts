/** Everything that a training needs to go on after an epoch as if it had not stopped. */

import type { Tensor } from '../graph/tensor.js';
import type { BestEpoch, EpochMetrics } from './metrics.js';
import type { OptimizerState } from './optimizer.js';
import type { ScheduleState } from './schedule.js';

export interface TrainState {
  /** Epochs done. */
  epochs: number;
  /** Variables and buffers in ONNX order. */
  weights: Map<string, Tensor>;
  optimizer: OptimizerState;
  schedule: ScheduleState;
  history: EpochMetrics[];
  best: (BestEpoch & { weights: Map<string, Tensor> }) | undefined;
}

export interface Checkpoint {
  /** The saved state; undefined when there is none yet. */
  load(): Promise<TrainState | undefined>;
  save(state: TrainState): Promise<void>;
}
