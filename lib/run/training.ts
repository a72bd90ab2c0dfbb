/** The settings of a command as options of the training room. */

import type { TrainOptions } from '../train/options.js';
import type { PreparedData } from './prepare-data.js';
import type { TrainingSettings } from './settings.js';

/** Everything but the epochs, the seed and what belongs to one training alone. */
export function trainingOptions(
  settings: TrainingSettings,
  data: Pick<PreparedData, 'classWeights'>,
): Omit<TrainOptions, 'epochs'> {
  return {
    learningRate: settings.learningRate,
    optimizer: { kind: settings.optimizer, weightDecay: settings.weightDecay },
    schedule: { kind: settings.schedule, warmup: settings.warmup },
    labelSmoothing: settings.labelSmoothing,
    ...(settings.batchNorm ? { batchNorm: settings.batchNorm } : {}),
    ...(settings.classWeights ? { classWeights: data.classWeights } : {}),
    ...(settings.clipNorm === undefined ? {} : { clipNorm: settings.clipNorm }),
    ...(settings.patience === undefined ? {} : { patience: settings.patience }),
  };
}
