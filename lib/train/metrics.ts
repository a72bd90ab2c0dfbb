/** What a training reports of itself. */

/** Accuracy is a share in [0, 1]; loss the mean cross-entropy of a sample. */
export interface Evaluation {
  accuracy: number;
  loss: number;
  /** Samples. */
  n: number;
  /** Samples whose largest logit is at their label. */
  correct: number;
}

export interface EpochMetrics {
  /** Counted from 0. */
  epoch: number;
  /** Mean over the epoch's training batches, with all terms of the loss. */
  loss: number;
  /** Share of training samples that were right when their batch was seen. */
  accuracy: number;
  validation: Evaluation;
  /** Of the epoch's last step. */
  learningRate: number;
  /** Wall-clock time, validation included. */
  seconds: number;
}

export interface StepMetrics {
  epoch: number;
  /** Counted from 0 over the whole training. */
  step: number;
  /** Steps of the whole training. */
  steps: number;
  loss: number;
  accuracy: number;
  learningRate: number;
  /** Wall-clock time since this process began to train. */
  seconds: number;
  /** Expected wall-clock time until the end of the last epoch. */
  etaSeconds: number;
}

/** The best epoch by validation accuracy; of equals the one with the smaller loss. */
export interface BestEpoch {
  epoch: number;
  accuracy: number;
  loss: number;
}

export function isBetter(candidate: Evaluation, best: BestEpoch | undefined): boolean {
  if (!best || candidate.accuracy > best.accuracy) return true;
  return candidate.accuracy === best.accuracy && candidate.loss < best.loss;
}
