/** What makes one trial better than another: accuracy first, and of two that are equal within noise the cheaper one. */

import type { Point } from './space.js';

export interface TrialRecord {
  /** Counted over the whole search; 0 is the network as it came. */
  trial: number;
  depth: number;
  configuration: Point;
  /** Of the best epoch, 0 … 1, on the validation data; undefined when the trial failed. */
  accuracy?: number | undefined;
  /** Mean cross-entropy of that epoch. */
  loss?: number | undefined;
  /** Multiply-adds and parameters of the whole network in this configuration. */
  macs: number;
  parameters: number;
  /** Parameters that the trial trained. */
  trainableParameters: number;
  /** Multiply-adds of the part that was trained. */
  trainedMacs: number;
  seconds: number;
  /** Validation accuracy after each epoch. */
  curve: number[];
  /** It did worse than most and was stopped before its last epoch. */
  stopped?: boolean | undefined;
  /** Why there is no accuracy. */
  failed?: string | undefined;
}

export interface Costs {
  macs: number;
  parameters: number;
}

/** Ceilings, as shares of the original's costs. */
export type Limits = { [K in keyof Costs]?: number | undefined };

/** The mean of MACs and parameters as shares of the original's. */
export function relativeCost({ macs, parameters }: Costs, original: Costs): number {
  return 0.5 * (macs / Math.max(1, original.macs) + parameters / Math.max(1, original.parameters));
}

/**
 * What accuracy differences mean nothing: the standard error of an accuracy measured on `samples`. Never 0, so that
 * cost keeps a say among perfect trials.
 */
export function noiseOf(accuracy: number, samples: number): number {
  const p = Math.min(1 - 1 / (samples + 2), Math.max(1 / (samples + 2), accuracy));
  return Math.sqrt((p * (1 - p)) / samples);
}

/** The value that the search maximises: the whole cost of the original weighs as much as the noise. */
export function scoreOf(accuracy: number, costs: Costs, original: Costs, noise: number): number {
  return accuracy - noise * relativeCost(costs, original);
}

/** The trial with the highest score; the earliest of equals. Those without a score do not count. */
export function bestByScore(
  trials: readonly TrialRecord[],
  score: (trial: TrialRecord) => number | undefined,
): TrialRecord | undefined {
  let best: { trial: TrialRecord; score: number } | undefined;
  for (const trial of trials) {
    const reached = score(trial);
    if (reached !== undefined && (!best || reached > best.score)) best = { trial, score: reached };
  }
  return best?.trial;
}

/**
 * Whether a depth found something better than all those before it: then it is worth going one deeper. The best trial of
 * the depth counts, not its last. While nothing is found at all, deeper is where to look.
 */
export function deepened(
  trials: readonly TrialRecord[],
  depth: number,
  score: (trial: TrialRecord) => number | undefined,
): boolean {
  const best = bestByScore(trials, score);
  return best === undefined || best.depth === depth;
}

type Measured = TrialRecord & { accuracy: number };

function measured(trials: readonly TrialRecord[]): Measured[] {
  return trials.filter((trial): trial is Measured => trial.accuracy !== undefined);
}

/** The trials that no other beats in both accuracy and cost, the most accurate first. */
export function paretoFront(trials: readonly TrialRecord[], original: Costs): TrialRecord[] {
  const sorted = measured(trials).sort(
    (a, b) => b.accuracy - a.accuracy || relativeCost(a, original) - relativeCost(b, original) || a.trial - b.trial,
  );
  const front: TrialRecord[] = [];
  let cheapest = Number.POSITIVE_INFINITY;
  for (const trial of sorted) {
    const cost = relativeCost(trial, original);
    if (cost >= cheapest) continue;
    cheapest = cost;
    front.push(trial);
  }
  return front;
}

/** Costs within this factor of the least are as good as it. */
const AS_CHEAP = 1.05;

/**
 * The cheapest of the trials that are within `noise` of the most accurate one and no less accurate than trial 0: the
 * search never ends worse than it began. Of those that are as good as the cheapest, the most accurate.
 */
export function selectBest(trials: readonly TrialRecord[], original: Costs, noise: number): TrialRecord | undefined {
  const all = measured(trials);
  const most = Math.max(...all.map(({ accuracy }) => accuracy));
  const atLeast = Math.max(most - noise, all.find(({ trial }) => trial === 0)?.accuracy ?? 0);
  const front = paretoFront(
    all.filter(({ accuracy }) => accuracy >= atLeast),
    original,
  );
  const least = relativeCost(front.at(-1) ?? original, original);
  return front.find((trial) => relativeCost(trial, original) <= AS_CHEAP * least);
}
