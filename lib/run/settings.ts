/** The resolved settings of the commands that train; the options table in `config` gives their defaults and help. */

export interface DataSettings {
  data: string;
  seed: number;
  batchSize: number;
  /** Height and width in pixels; the model's own when absent. */
  imageSize?: number | undefined;
  /** Preset name; read from the model's metadata when absent. */
  preprocessing?: string | undefined;
  augment: 'none' | 'light' | 'full';
  /** Images decoded at a time; default: one for each core. */
  jobs?: number | undefined;
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
  classWeights: boolean;
  clipNorm?: number | undefined;
  /** Epochs without a better validation accuracy after which training stops. */
  patience?: number | undefined;
}

export interface SearchSettings {
  trials: number;
  /** Epochs of one trial, on cached features. */
  trialEpochs: number;
  /** Most layers, from the last one backwards, whose widths are searched. */
  depth: number;
}

export interface PruneSettings {
  targetMacs?: number | undefined;
  targetParams?: number | undefined;
  ratio?: number | undefined;
  /** Points of accuracy (percent) that may be lost. */
  tolerance: number;
  criterion: string;
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
  /** Weight of the distillation from the unpruned network. */
  distill: number;
}

export interface MachineSettings {
  threads: number;
}

export type FinetuneSettings = { model: string } & DataSettings & TrainingSettings & MachineSettings;
export type RunSettings = FinetuneSettings & SearchSettings & PruneSettings;
