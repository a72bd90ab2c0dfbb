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

/** The best epoch of a training: see `isBetter`. */
export interface BestEpoch {
  epoch: number;
  accuracy: number;
  loss: number;
}

/**
 * Whether an epoch is better than the best so far: more accurate by more than one standard error of the validation
 * accuracy or, of two that are equal within it, of smaller loss. On a few hundred images a lucky epoch in the middle of a
 * training would otherwise win over its end.
 */
export function isBetter(candidate: Evaluation, best: BestEpoch | undefined): boolean {
  if (!best) return true;
  const gain = candidate.accuracy - best.accuracy;
  const share = Math.min(Math.max(candidate.accuracy, best.accuracy), 1 - 1 / (2 * candidate.n));
  const noise = Math.sqrt((share * (1 - share)) / candidate.n);
  if (Math.abs(gain) > noise) return gain > 0;
  return candidate.loss < best.loss || (candidate.loss === best.loss && gain > 0);
}
