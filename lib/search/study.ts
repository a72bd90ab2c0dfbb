/**
 * A search for the best point of a space, one question (`ask`) and answer (`tell`) at a time. Every question and answer
 * goes to the journal, and a study that is opened on the journal of an interrupted one goes on where that ended: finished
 * trials are not asked again, running ones are asked again under their number, and what follows is what would have
 * followed, since proposals depend on nothing but the seed and the trials so far.
 */

import * as z from 'zod';
import { TascnetError } from '../errors.js';
import { eventsOfKind, type Journal } from '../journal.js';
import { propose, type SamplerName } from './propose.js';
import type { Trial } from './sampler.js';
import { checkSpace, keyOfPoint, type Point, type Space, unitOf } from './space.js';

export interface StudyOptions {
  space: Space;
  sampler: SamplerName;
  seed: number;
  /** Tells the studies of one journal apart. */
  id?: string;
  /** Points that the first trials take. */
  initial?: readonly Point[];
  /** Quasi-random trials (the `initial` ones included) before the sampler goes by what it has learnt. Default 10. */
  startTrials?: number;
  /** Known in advance: whether a point is worth a trial at all. */
  allowed?: (point: Point) => boolean | Promise<boolean>;
  /**
   * Trials that run at once: trial k is proposed from what trials 0 … k − parallel found, as if those after them still ran,
   * so that the same questions come in whatever order the answers do. Default: whatever is known counts.
   */
  parallel?: number | undefined;
  journal?: Journal | undefined;
}

export type Outcome =
  | { value: number; constraints?: readonly number[]; details?: Record<string, unknown> }
  | { failed: string; details?: Record<string, unknown> };

/** A trial with whatever else was told of it. */
export interface StudyTrial extends Trial {
  details?: Record<string, unknown> | undefined;
}

export interface Study {
  /** All trials by number, running ones included. */
  readonly trials: readonly StudyTrial[];
  /** The number that `ask` will give. */
  upcoming(): number;
  /** The next trial to run; undefined when every point was tried. Several may run at once. */
  ask(): Promise<StudyTrial | undefined>;
  /** What a trial found, larger being better, or why it found nothing. A value that is not finite is a failure. */
  tell(number: number, outcome: Outcome): StudyTrial;
  /** The finished trial of the largest value that keeps all constraints. */
  best(): StudyTrial | undefined;
}

const pointSchema = z.record(z.string(), z.union([z.number(), z.string()]));
const askedSchema = z.object({ study: z.string(), trial: z.number(), point: pointSchema });
const toldSchema = z.object({
  study: z.string(),
  trial: z.number(),
  value: z.number().optional(),
  failed: z.string().optional(),
  constraints: z.array(z.number()).optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});
const studySchema = z.object({
  study: z.string(),
  space: z.unknown(),
  sampler: z.string(),
  seed: z.number(),
  parallel: z.number().optional(),
});

/** @throws TascnetError when the space makes no sense or the journal holds a study of other settings under this id. */
export function openStudy(options: StudyOptions): Study {
  const { space, sampler, seed, id = 'search', initial = [], allowed = () => true, journal } = options;
  const { startTrials = 10, parallel } = options;
  checkSpace(space);
  for (const point of initial) unitOf(space, point);
  const trials = replay(options, id);
  const again = trials.filter(isRunning).map(({ number }) => number);

  const firstAllowed = async (points: readonly Point[]): Promise<Point | undefined> => {
    for (const point of points) if (await allowed(point)) return point;
    return undefined;
  };
  const next = async (number: number): Promise<Point | undefined> => {
    const seen = new Set(trials.map(({ point }) => keyOfPoint(space, point)));
    const given = await firstAllowed(initial.filter((point) => !seen.has(keyOfPoint(space, point))));
    if (given) return given;
    const isKnown = (trial: Trial) =>
      !isRunning(trial) && (parallel === undefined || trial.number <= number - parallel);
    const context = {
      space,
      finished: trials.filter(isKnown).map(bare),
      pending: trials.filter((trial) => !isKnown(trial)).map(({ number: other, point }) => ({ number: other, point })),
      seed,
      startTrials,
    };
    for (let round = 0; round < 20; round++) {
      const proposals = await propose({ sampler, context: { ...context, number: number + round * 100_003 } });
      const point = await firstAllowed(proposals);
      if (point || proposals.length === 0) return point;
    }
    return undefined;
  };

  // One question at a time: each depends on those before it.
  let queue: Promise<unknown> = Promise.resolve();
  return {
    trials,
    upcoming: () => again[0] ?? trials.length,
    ask: () => {
      const answer = queue.then(async () => {
        const repeated = again.shift();
        if (repeated !== undefined) return trials[repeated];
        const number = trials.length;
        const point = await next(number);
        if (!point) return undefined;
        journal?.append('trial-asked', { study: id, trial: number, point });
        const trial: StudyTrial = { number, point };
        trials.push(trial);
        return trial;
      });
      queue = answer.catch(() => undefined);
      return answer;
    },
    tell: (number, outcome) => {
      const trial = trials[number];
      if (!trial || !isRunning(trial)) throw new TascnetError(`Trial ${number} of the study "${id}" is not running.`);
      const told: Outcome =
        'value' in outcome && !Number.isFinite(outcome.value)
          ? { failed: `its value was ${outcome.value}`, ...(outcome.details ? { details: outcome.details } : {}) }
          : outcome;
      journal?.append('trial-told', { study: id, trial: number, ...told });
      const finished: StudyTrial = { ...trial, ...told };
      trials[number] = finished;
      return finished;
    },
    best: () => bestOf(trials),
  };
}

/** The trial of the largest value that keeps all constraints; the earliest of equals. */
export function bestOf(trials: readonly StudyTrial[]): StudyTrial | undefined {
  let best: StudyTrial | undefined;
  for (const trial of trials) {
    if (trial.value === undefined || trial.constraints?.some((excess) => excess > 0)) continue;
    if (best?.value === undefined || trial.value > best.value) best = trial;
  }
  return best;
}

function isRunning({ value, failed }: Trial): boolean {
  return value === undefined && failed === undefined;
}

/** What samplers go by; details may not be fit to be sent to a thread. */
function bare({ number, point, value, failed, constraints }: StudyTrial): Trial {
  return { number, point, value, failed, constraints };
}

function replay({ space, sampler, seed, parallel, journal }: StudyOptions, id: string): StudyTrial[] {
  if (!journal) return [];
  const settings = { study: id, space, sampler, seed, ...(parallel === undefined ? {} : { parallel }) };
  const begun = eventsOfKind(journal.events, 'study', studySchema).find(({ study }) => study === id);
  if (!begun) {
    journal.append('study', settings);
    return [];
  }
  if (JSON.stringify(begun) !== JSON.stringify(settings))
    throw new TascnetError(`The journal "${journal.path}" holds a search of other settings.`, {
      hint: 'Resume with the model, options and seed it was begun with, or start in another directory.',
    });
  const trials: StudyTrial[] = [];
  for (const { study, trial, point } of eventsOfKind(journal.events, 'trial-asked', askedSchema))
    if (study === id) trials[trial] = { number: trial, point };
  for (const { study, trial, ...told } of eventsOfKind(journal.events, 'trial-told', toldSchema)) {
    const asked = trials[trial];
    if (study === id && asked) trials[trial] = { ...asked, ...told };
  }
  return trials;
}
