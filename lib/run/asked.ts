/** The options of commands as the settings of their work, with nothing left open. */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Command } from '../config/option.js';
import { required, type Settings } from '../config/resolve.js';
import { ExitCode, TascnetError } from '../errors.js';
import { isHistory } from '../prune/pairs.js';

/** The budget is for all the trainings of a command, each of which takes an epoch. */
export function requireEpochs(fewest: number, epochs: number, command: Command): void {
  if (epochs >= fewest) return;
  throw new TascnetError(`tascnet ${command} trains ${fewest} times, but --epochs is ${epochs}.`, {
    hint: `Give --epochs ${fewest} or more.`,
    exitCode: ExitCode.usage,
  });
}

export type Training = Settings<'run'> | Settings<'finetune'> | Settings<'search'> | Settings<'prune'>;

/** What the commands that train have in common, with nothing left open. */
export function trainable(command: Command, settings: Training) {
  const { learningRate = 0.01, threads = availableParallelism() } = settings;
  const [model, data] = [required(settings.model, 'model', command), required(settings.data, 'data', command)];
  // Before anything is installed or loaded.
  for (const path of [model, data])
    if (!existsSync(path)) throw new TascnetError(`${path} does not exist.`, { hint: 'Check --model and --data.' });
  return {
    model,
    data,
    threads,
    learningRate,
    seed: seedOf(settings),
    ...pick(settings, DATA),
    ...pick(settings, TRAINING),
    ...layerwise(settings),
  };
}

/** What is decided by chance where no seed is given is the same every time. */
export function seedOf({ seed = 0 }: { seed?: number | undefined }): number {
  return seed;
}

const INPUT = ['task', 'textLength', 'imageSize'] as const;
const DATA = [
  ...(['batchSize', ...INPUT, 'tokenizer'] as const),
  ...(['preprocessing', 'augment', 'flip', 'jobs', 'cacheLimit'] as const),
] as const;
const TRAINING = [
  ...(['epochs', 'optimizer', 'schedule', 'warmup', 'weightDecay', 'labelSmoothing'] as const),
  ...(['classWeights', 'clipNorm', 'patience', 'batchNorm'] as const),
] as const;

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
}

function layerwise(settings: Training) {
  return 'layerDecay' in settings ? { layerDecay: settings.layerDecay, unfreeze: settings.unfreeze } : {};
}

/** @throws TascnetError when the teacher is no file, or would not be heard. */
export function teacherSettings({ teacher, distill }: Settings<'finetune'> | Settings<'prune'>) {
  if (teacher !== undefined && distill === 0)
    throw new TascnetError('Nothing is learnt from --teacher where --distill is 0, as in the preset paper.', {
      hint: 'Give --distill too, such as 0.95.',
      exitCode: ExitCode.usage,
    });
  if (teacher !== undefined && !existsSync(teacher))
    throw new TascnetError(`${teacher} does not exist.`, { hint: 'Check --teacher.' });
  return { teacher, distill };
}

/** @throws TascnetError when a teacher was given where nothing is trained. */
export function refuseTeacher({ teacher }: Settings<'prune'>): void {
  if (teacher === undefined) return;
  throw new TascnetError('--teacher is for training, and nothing is trained here.', {
    hint: 'Add --data, without --no-finetune.',
    exitCode: ExitCode.usage,
  });
}

export function searchSettings(settings: Settings<'search'> | Settings<'run'>) {
  const { trials, trialEpochs, depth, sampler, stopRule, views, featureType, distill } = settings;
  const { winnerLayers, winnerLearningRate } = settings;
  return {
    ...{ trials, trialEpochs, depth, sampler, stopRule, views, featureType, distill },
    ...{ winnerLayers, winnerLearningRate },
  };
}

export function pruneSettings(settings: Settings<'prune'> | Settings<'run'>) {
  const { targetMacs, targetParams, ratio, tolerance, roundTo, minChannels, maxRatioPerLayer, ignore } = settings;
  const { layerRatios, ranking, reduce, normalize, sensitivity, targetLatency, latencyBatch } = settings;
  const { historyRate, lambda, merge, steps, cuts, reconstruct, distill } = settings;
  const pruneLearningRate = 'pruneLearningRate' in settings ? settings.pruneLearningRate : undefined;
  return {
    ...{ targetMacs, targetParams, ratio, tolerance, roundTo, minChannels, maxRatio: maxRatioPerLayer, ignore },
    ...{ layerRatios, ranking, reduce, normalize, sensitivity, targetLatency, latencyBatch },
    ...{ historyRate, lambda, merge, steps, cuts, reconstruct, distill, pruneLearningRate },
  };
}

export function oneShotSettings(command: Command, settings: Settings<'prune'>) {
  const model = required(settings.model, 'model', command);
  const input = pick(settings, INPUT);
  return { model, seed: seedOf(settings), ...input, ...pruneSettings(settings), criterion: settings.criterion ?? 'l1' };
}

export function requireGoal({
  ratio,
  layerRatios,
  targetMacs,
  targetParams,
  targetLatency,
  criterion,
}: ReturnType<typeof oneShotSettings>): void {
  if (isHistory(criterion) || criterion === 'taylor') {
    throw new TascnetError(`The criterion ${criterion} needs training data; there is only the model.`, {
      hint: 'Add --data, without --no-finetune; or choose l1, l2, linf, bn, fpgm, lamp or random.',
      exitCode: ExitCode.usage,
    });
  }
  const target = targetMacs ?? targetParams ?? targetLatency;
  if (ratio !== undefined || target !== undefined || layerRatios.length > 0) return;
  throw new TascnetError('Without training data, how much to remove must be said.', {
    hint: 'Add --ratio, --target-macs or --target-params; or --data.',
    exitCode: ExitCode.usage,
  });
}
