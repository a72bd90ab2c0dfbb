/** The resolved settings of the commands that train; the options table in `config` gives their defaults and help. */

import type { AugmentationLevel } from '../data/augment.js';
import type { Reduction } from '../prune/criterion.js';
import type { Normalization } from '../prune/normalize.js';
import type { Ranking } from '../prune/ranking.js';
import type { RivalName } from '../report/record.js';
import type { FeatureType } from '../search/feature-file.js';
import type { Limits } from '../search/objective.js';
import type { SamplerName } from '../search/propose.js';
import type { SpaceOptions } from '../search/space-of-graph.js';
import type { StopRuleName } from '../search/stop-rule.js';

export interface DataSettings {
  data: string;
  seed: number;
  batchSize: number;
  /** What the samples are; what the model's input tells when absent. */
  task?: 'image' | 'text' | undefined;
  /** File of the tokenizer; read from the model's metadata when absent. */
  tokenizer?: string | undefined;
  /** Tokens of a text; the model's own when absent. */
  textLength?: number | undefined;
  /** Height and width in pixels; the model's own when absent. */
  imageSize?: number | undefined;
  /** Preset name; read from the model's metadata when absent. */
  preprocessing?: string | undefined;
  augment: AugmentationLevel;
  /** Augmentation mirrors images left to right. */
  flip: boolean;
  /** Images decoded at a time, by default one for each core; trials at a time, by default one. */
  jobs?: number | undefined;
  /** GB that decoded images, and features, may each take in the cache. Default: 20. */
  cacheLimit?: number | undefined;
}

export interface TrainingSettings {
  /** The training budget of the command in all, whatever its steps. */
  epochs: number;
  optimizer: 'sgd' | 'adam' | 'adamw' | 'adagrad';
  learningRate: number;
  schedule: 'constant' | 'step' | 'cosine' | 'plateau';
  /** Epochs over which the learning rate rises from 0. */
  warmup: number;
  weightDecay: number;
  labelSmoothing: number;
  /** Default: train. */
  batchNorm?: 'train' | 'frozen' | undefined;
  classWeights: boolean;
  clipNorm?: number | undefined;
  /** Epochs without a better validation accuracy after which training stops. */
  patience?: number | undefined;
  /** Fine-tuning: factor on the learning rate from one layer to the one before it. Default: 1. */
  layerDecay?: number | undefined;
  /** Fine-tuning: epochs over which the layers join in, the last one at once. Default: 0. */
  unfreeze?: number | undefined;
}

export interface SearchSettings {
  trials: number;
  /** Epochs of one trial, on cached features. */
  trialEpochs: number;
  /** Most units (blocks or layers), from the last one backwards, that are searched. */
  depth: number;
  /** Restrictions and extensions of what is searched. */
  space?: SpaceOptions | undefined;
  /** Default: gp. */
  sampler?: SamplerName | undefined;
  /** Default: median. */
  stopRule?: StopRuleName | undefined;
  /** Augmented views that features are kept of; default: 3, without augmentation 1. */
  views?: number | undefined;
  /** Default: float32. */
  featureType?: FeatureType | undefined;
  /** What the training after the search reaches. Default: all. */
  winnerLayers?: 'searched' | 'all' | undefined;
  /** Of the training after the search. Default: `WINNER_RATE` of `learningRate`, or all of it where the image size changed. */
  winnerLearningRate?: number | undefined;
  /** Ceilings on the trials' costs, as shares of the given network's. */
  limits?: Limits | undefined;
}

/** A target of latency: a fraction of what the rates (milliseconds for each MAC, by node) say of the unpruned network. */
export interface LatencyGoal {
  fraction: number;
  from: number;
  rates: Record<string, number>;
}

export interface PruneSettings extends DistillationSettings {
  /** Of the training after a cut; `learningRate` when absent. */
  pruneLearningRate?: number | undefined;
  targetMacs?: number | undefined;
  targetParams?: number | undefined;
  /** Milliseconds of one batch in ONNX Runtime. */
  targetLatency?: number | undefined;
  latencyBatch?: '1' | '32' | undefined;
  /** What the target of latency comes to, once it was measured. */
  latencyGoal?: LatencyGoal | undefined;
  ratio?: number | undefined;
  /** `NAME=RATIO`, each for the groups of the weights of that name. */
  layerRatios?: string[] | undefined;
  ranking?: Ranking | undefined;
  reduce?: Reduction | undefined;
  normalize?: Normalization | undefined;
  /** Measure what each group is worth on the data, and compare groups by it. Default: for sentences. */
  sensitivity?: boolean | undefined;
  /** Points of accuracy (percent) that may be lost. */
  tolerance: number;
  criterion: string;
  /** history: learning rate of the training before a cut, as a fraction of that after it. */
  historyRate?: number | undefined;
  /** history: weight of the term that makes paired channels more alike. */
  lambda: number;
  /** history: add what a removed channel fed to its twin. */
  merge: boolean;
  roundTo: number;
  minChannels: number;
  maxRatio: number;
  ignore: string[];
  /** Removals with training after each; 1 towards a goal when absent, else as many as accuracy and epochs permit. */
  steps?: number | undefined;
  /** Cuts of one step, each scored anew and repaired before the next. */
  cuts: number;
  reconstruct: boolean;
}

export interface DistillationSettings {
  /** Weight of learning from a teacher: the network as it was before search and pruning, or another that was given. */
  distill: number;
}

export interface EvidenceSettings {
  /** What the result is compared with; what a command compares without being asked, when absent. */
  compare?: readonly (RivalName | 'all' | 'none')[] | undefined;
}

export interface MachineSettings {
  threads: number;
}

export type FinetuneSettings = { model: string } & DataSettings & TrainingSettings & MachineSettings;

/** Of the commands that may be given a network to learn from. */
export interface TeacherSettings extends DistillationSettings {
  /** A model file; default: for pruning the given model, for fine-tuning none. */
  teacher?: string | undefined;
}

export type RunSettings = FinetuneSettings & SearchSettings & PruneSettings & EvidenceSettings;
