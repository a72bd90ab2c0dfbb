/** When a trial that does worse than others is stopped before its last epoch. */

export interface Progress {
  /** Validation accuracies of the trial, one an epoch so far. */
  curve: readonly number[];
  /** Those of the trials that it is compared with; of one that was stopped, up to there. */
  others: readonly (readonly number[])[];
  /** Of a trial that is not stopped. */
  epochs: number;
}

/** Whether going on is not worth it. Asked after each epoch. */
export type StopRule = (progress: Progress) => boolean;

/** Trials before weak ones are stopped, and epochs that every trial gets. */
const MEDIAN = { trials: 4, epochs: 2 };

/** The median stopping rule (Golovin et al. 2017): the best so far is worse than that of most others after as many epochs. */
const median: StopRule = ({ curve, others, epochs }) => {
  const epoch = curve.length;
  if (epoch < Math.max(MEDIAN.epochs, epochs / 4) || epoch >= epochs) return false;
  const bests = bestsAt(others, epoch).sort((a, b) => a - b);
  if (bests.length < MEDIAN.trials) return false;
  return Math.max(...curve) < (bests[Math.floor((bests.length - 1) / 2)] ?? 0);
};

/** One trial in so many goes past a rung, and the rungs are this factor apart. */
const REDUCTION = 3;

/** Epochs after which asynchronous successive halving compares trials, ascending: a ninth of all, a third of all. */
export function rungsOf(epochs: number): number[] {
  const first = Math.max(1, Math.round(epochs / REDUCTION ** 2));
  const rungs: number[] = [];
  for (let rung = first; rung < epochs; rung *= REDUCTION) rungs.push(rung);
  return rungs;
}

/**
 * Asynchronous successive halving that stops (Li et al., "A System for Massively Parallel Hyperparameter Tuning", 2020): at
 * a rung, a trial goes on when its best so far is among the best third of those that came as far.
 */
const halving: StopRule = ({ curve, others, epochs }) => {
  if (!rungsOf(epochs).includes(curve.length)) return false;
  const own = Math.max(...curve);
  const reached = [own, ...bestsAt(others, curve.length)].sort((a, b) => b - a);
  const last = Math.max(0, Math.floor(reached.length / REDUCTION) - 1);
  return own < (reached[last] ?? own);
};

function bestsAt(curves: Progress['others'], epoch: number): number[] {
  return curves.filter((curve) => curve.length >= epoch).map((curve) => Math.max(...curve.slice(0, epoch)));
}

export const STOP_RULES = { median, halving, none: () => false } satisfies Record<string, StopRule>;
export type StopRuleName = keyof typeof STOP_RULES;
