/** What pruning is asked to do, and what it tells while it works. */

import type { BatchSource } from '../data/batch.js';
import type { Graph } from '../graph/graph.js';
import type { Plan } from '../surgery/plan.js';
import type { EpochMetrics } from '../train/metrics.js';
import type { TrainOptions } from '../train/options.js';
import type { Checkpoint } from '../train/state.js';
import type { Reduction } from './criterion.js';
import type { LatencyModel } from './latency-model.js';
import type { Normalization } from './normalize.js';
import type { Override, Ranking } from './ranking.js';
import type { Sensitivity } from './sensitivity.js';

/** What a finished pruning step leaves, enough to go on from it. */
export interface StepState {
  step: number;
  graph: Graph;
  /** In terms of the graph that the step before it left. */
  plan: Plan;
  /** Validation accuracy, 0 … 1, after the step's training. */
  accuracy: number;
  macs: number;
  parameters: number;
}

export interface PruneData {
  /** With augmentation, for fine-tuning. */
  train: BatchSource;
  validation: BatchSource;
  /** Training samples without augmentation, for scores, reconstruction and batch-norm statistics. */
  calibration: BatchSource;
}

/** Before a cut a network has been trained, and is to move no further than shows which channels move alike. */
export const HISTORY_RATE = 0.1;

export interface PruneOptions {
  /** Name of the criterion (`l1`, `taylor`, …), or `history` for the method of TASCNet. */
  criterion: string;
  /** history: learning rate of the training before a cut, as a fraction of that after it; default: `HISTORY_RATE`. */
  historyRate?: number | undefined;
  /** history: weight of the term that makes paired channels more alike. */
  lambda: number;
  /** history: what read a removed channel reads its twin instead. */
  merge: boolean;
  /** What is to be left, as fractions of the given graph's MACs, parameters and latency. */
  targets: { macs?: number | undefined; parameters?: number | undefined; latency?: number | undefined };
  /** What a target of latency is a fraction of, and how it depends on the channels. Whether it is met, measuring tells. */
  latencyModel?: LatencyModel | undefined;
  /** What an earlier step was to leave. */
  previous?: Pick<PruneOptions, 'targets' | 'ratio' | 'overrides'>;
  /** Fraction of each group's channels (those of the given graph) to remove instead of a target. */
  ratio?: number | undefined;
  /** Ratios of single groups, whatever the ratio or the targets; the last one that matches counts. */
  overrides?: readonly Override[] | undefined;
  /** Which channels compete; default: see `rankingOf`. */
  ranking?: Ranking | undefined;
  /** Of the scores of a group's weights; default: `sum`. */
  reduce?: Reduction | undefined;
  /** Brings the scores of groups to one scale by what was measured on data. Not for `history`. */
  sensitivity?: readonly Sensitivity[] | undefined;
  /** Of the scores within a group; default: by the mean, unless the criterion's scores can be compared as they are. */
  normalize?: Normalization | undefined;
  roundTo: number;
  minChannels: number;
  /** Largest fraction that any group may lose. */
  maxRatio: number;
  /** Initializers whose channels must all stay. */
  ignore: (initializer: string) => boolean;
  seed: number;
  signal?: AbortSignal | undefined;
}

export interface RetrainOptions {
  /** Epochs of fine-tuning in all. */
  epochs: number;
  /** Removals with training after each; default: 1 towards a goal, else as many as accuracy and the epochs permit. */
  steps?: number | undefined;
  /** Cuts of one step, each scored anew and repaired before the next. */
  cuts: number;
  /** Largest loss of validation accuracy against the given graph, 0 … 1. */
  tolerance: number;
  /** Re-solve the consumers of removed channels by least squares. */
  reconstruct: boolean;
  /** Weight of the distillation from `teacher`, 0 for none. */
  distill: number;
  /** A network with the same classes; default: the given one. */
  teacher?: Graph;
  /** How a step trains; its epochs, schedule and seed are set by the loop. */
  training: Omit<TrainOptions, 'epochs' | 'seed' | 'signal' | 'checkpoint' | 'onEpoch' | 'distillation'>;
  /** Finished steps of an interrupted run, in order. */
  finished?: StepState[];
  /** Called when a step is finished, before the next begins. */
  onStep?: (state: StepState) => Promise<void>;
  /** Where the training of a step keeps its state between epochs. */
  checkpoint?: (step: number) => Checkpoint;
  /** Told after each epoch of a step, of `epochs` in all. */
  onEpoch?: (step: number, epochs: number, metrics: EpochMetrics) => void;
  /** Told after each removal and repair, before the step's training. */
  onCut?: (step: number, steps: number, cut: { macs: number; parameters: number; accuracy: number }) => void;
}
