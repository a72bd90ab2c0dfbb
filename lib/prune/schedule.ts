/** The way to the goal: what each step and each of its parts is to leave, and the epochs that it may take. */

import type { PruneOptions, RetrainOptions } from './options.js';
import type { Override } from './ranking.js';

/** Without a goal there are at most so many steps. */
const OPEN_STEPS = 10;

/** Without a goal, every step leaves this fraction of the MACs. */
const OPEN_STEP = 0.85;

/** A target or a ratio is worked towards; without one, pruning goes on while accuracy holds. */
export function hasGoal({ targets, ratio, overrides = [] }: PruneOptions): boolean {
  const target = targets.macs ?? targets.parameters ?? targets.latency;
  return target !== undefined || ratio !== undefined || overrides.length > 0;
}

type Goal = Pick<PruneOptions, 'targets' | 'ratio' | 'overrides'>;

/** The options of one of several steps. */
export function optionsOfStep(options: PruneOptions, step: number, steps: number): PruneOptions {
  const after = (done: number): Goal =>
    hasGoal(options)
      ? onTheWay(options, done / steps)
      : { ...onTheWay(options, done / steps), targets: { macs: OPEN_STEP ** done }, ratio: undefined };
  return { ...options, ...after(step + 1), previous: after(step) };
}

/** The options of one of the cuts of a step, the first being number 1. */
export function optionsOfPart(options: PruneOptions, part: number, parts: number): PruneOptions {
  return { ...options, ...onTheWay(options, part / parts) };
}

/** The goal after `part` (0 … 1) of the way from the previous one, in equal factors: cuts become smaller as the network does. */
function onTheWay({ previous, targets, ratio, overrides }: PruneOptions, part: number): Goal {
  if (part === 1) return { targets, ratio, overrides };
  const between = (from = 1, to: number | undefined) => (to === undefined ? undefined : from * (to / from) ** part);
  const left = ratio === undefined ? undefined : between(1 - (previous?.ratio ?? 0), 1 - ratio);
  const ratioOnTheWay = (override: Override, index: number): Override => {
    const begun = 1 - (previous?.overrides?.[index]?.ratio ?? 0);
    return { ...override, ratio: 1 - begun * ((1 - override.ratio) / begun) ** part };
  };
  return {
    targets: {
      macs: between(previous?.targets.macs, targets.macs),
      parameters: between(previous?.targets.parameters, targets.parameters),
      latency: between(previous?.targets.latency, targets.latency),
    },
    ratio: left === undefined ? undefined : 1 - left,
    overrides: overrides?.map(ratioOnTheWay),
  };
}

export interface HistoryEpochs {
  /** Plain training, its weights recorded after each epoch. */
  record: number;
  /** Training with the extra term on the chosen pairs, recorded as well. */
  optimise: number;
}

export interface StepEpochs {
  history?: HistoryEpochs;
  /** After the cut. */
  train: number;
}

/** Epochs of several steps in all. */
export function epochsOf(steps: readonly StepEpochs[]): number {
  return steps.reduce((sum, { history, train }) => sum + (history?.record ?? 0) + (history?.optimise ?? 0) + train, 0);
}

/** The history method takes a step for so many epochs: fewer would leave too little to recover in. */
const HISTORY_STEP = 12;

/**
 * Epochs of each step. Towards a goal the steps on the way get one in ten of the epochs each and the last step the rest;
 * without a goal any step may be the last, so that all get the same, and three at least. So many has any step of the history
 * method: one to record, one to make pairs alike, one to recover.
 */
export function epochsOfSteps({ epochs, steps }: RetrainOptions, goal: boolean, history: boolean): StepEpochs[] {
  const least = history || !goal ? 3 : 1;
  const towardsGoal = history ? Math.max(1, Math.floor(epochs / HISTORY_STEP)) : 1;
  const wanted = steps ?? (goal ? towardsGoal : OPEN_STEPS);
  const count = Math.max(1, Math.min(wanted, Math.floor(epochs / least)));
  const equal = (step: number) => Math.floor(((step + 1) * epochs) / count) - Math.floor((step * epochs) / count);
  const short = Math.max(least, Math.round(epochs / 10));
  const shares = Array.from({ length: count }, (_, step) => {
    if (!goal || short * count > epochs) return equal(step);
    return step < count - 1 ? short : epochs - short * (count - 1);
  });
  return shares.map((share): StepEpochs => {
    if (!history) return { train: share };
    const part = Math.max(1, Math.floor(share / HISTORY_STEP));
    return { history: { record: part, optimise: part }, train: Math.max(1, share - 2 * part) };
  });
}
