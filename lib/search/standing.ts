/** How the trials of a search stand: their scores, what is within the limits, and which of them is chosen. */

import * as z from 'zod';
import {
  bestByScore,
  type Costs,
  deepened,
  type Limits,
  noiseOf,
  paretoFront,
  scoreOf,
  selectBest,
  type TrialRecord,
} from './objective.js';
import type { Outcome } from './study.js';

export interface Standing {
  /** Finished trials of all depths, by number. */
  trials: TrialRecord[];
  /** The network as it came. */
  original: Costs;
  /** Ceilings, as shares of the original's costs. */
  limits: Limits;
  /** Validation samples. */
  samples: number;
}

export const trialRecordSchema = z.object({
  trial: z.number(),
  depth: z.number(),
  configuration: z.record(z.string(), z.union([z.number(), z.string()])),
  accuracy: z.number().optional(),
  loss: z.number().optional(),
  macs: z.number(),
  parameters: z.number(),
  trainableParameters: z.number(),
  trainedMacs: z.number(),
  seconds: z.number(),
  curve: z.array(z.number()),
  stopped: z.boolean().optional(),
  failed: z.string().optional(),
});

/** Adds a trial at its place. */
export function insertTrial({ trials }: Standing, record: TrialRecord): void {
  const after = trials.findLastIndex(({ trial }) => trial < record.trial);
  trials.splice(after + 1, 0, record);
}

/** Measured once, on trial 0, so that the values of all trials can be compared. */
function noiseIn({ trials, samples }: Standing): number {
  return noiseOf(trials[0]?.accuracy ?? 0.5, samples);
}

function excessOf({ limits, original }: Standing, { macs, parameters }: Costs): number[] {
  const excess = (cost: number, whole: number, limit: number | undefined) =>
    limit === undefined ? [] : [cost / (limit * whole) - 1];
  return [...excess(macs, original.macs, limits.macs), ...excess(parameters, original.parameters, limits.parameters)];
}

/** Whether costs keep the limits. */
export function areWithin(standing: Standing, costs: Costs): boolean {
  return excessOf(standing, costs).every((excess) => excess <= 0);
}

function isWithin(standing: Standing, record: TrialRecord): boolean {
  return record.failed === undefined && areWithin(standing, record);
}

/** Below a ceiling costs are free: who sets one says what accuracy may cost. A depth that finds only as good is the last. */
function scoreFor(standing: Standing, accuracy: number, costs: Costs): number {
  return isLimited(standing.limits) ? accuracy : scoreOf(accuracy, costs, standing.original, noiseIn(standing));
}

/** Undefined for a trial that failed or breaks a limit. */
function scoreIn(standing: Standing, trial: TrialRecord): number | undefined {
  if (trial.accuracy === undefined || !isWithin(standing, trial)) return undefined;
  return scoreFor(standing, trial.accuracy, trial);
}

/** What a study is told of a trial. */
export function outcomeOf(standing: Standing, record: TrialRecord): Outcome {
  const details = { ...record };
  if (record.accuracy === undefined) return { failed: record.failed ?? 'it gave no accuracy', details };
  const value = scoreFor(standing, record.accuracy, record);
  return { value, constraints: excessOf(standing, record), details };
}

/** The trial of the best score, from which the next depth starts. */
export function leading(standing: Standing): TrialRecord | undefined {
  return bestByScore(standing.trials, (trial) => scoreIn(standing, trial));
}

/** Whether a depth found something better than those before it. */
export function gained(standing: Standing, depth: number): boolean {
  return deepened(standing.trials, depth, (trial) => scoreIn(standing, trial));
}

/** The trials within the limits that no other beats in both accuracy and cost, the most accurate first. */
export function frontOf(standing: Standing): TrialRecord[] {
  return paretoFront(
    standing.trials.filter((trial) => isWithin(standing, trial)),
    standing.original,
  );
}

/** The trial that the search ends with, so far. Where costs have ceilings, it is the most accurate one below them. */
export function chosen(standing: Standing): TrialRecord | undefined {
  const allowed = standing.trials.filter((trial) => isWithin(standing, trial));
  return selectBest(allowed, standing.original, isLimited(standing.limits) ? 0 : noiseIn(standing));
}

export function isLimited(limits: Limits): boolean {
  return Object.values(limits).some((limit) => limit !== undefined);
}
