/** The trials of one depth: a study proposes them, a runner runs them, several at once where it can. */

import * as z from 'zod';
import { Interrupted, TascnetError } from '../errors.js';
import { randomGenerator } from '../graph/random.js';
import { eventsOfKind } from '../journal.js';
import { featuresAt, type PreparedFeatures, type SearchData } from './features.js';
import type { TrialRecord } from './objective.js';
import { dropTail, type TrialRunner } from './runner.js';
import type { SearchOptions } from './search-options.js';
import { NETWORK } from './searchable.js';
import type { Point } from './space.js';
import { cutAt, type Searchable, spaceAt, startPoints } from './space-of-graph.js';
import {
  areWithin,
  chosen,
  frontOf,
  insertTrial,
  isLimited,
  leading,
  outcomeOf,
  type Standing,
  trialRecordSchema,
} from './standing.js';
import { openStudy, type Study, type StudyTrial } from './study.js';
import { costsAt, failedTrial, type TrialJob } from './trial.js';

/** A search under way. */
export interface SearchRun {
  searchable: Searchable;
  data: SearchData;
  options: SearchOptions;
  standing: Standing;
  runner: TrialRunner;
  /** Where the trained parts of the trials on the Pareto front are kept: memory does not grow with their number. */
  folder: string;
  /** Ends all trials when one of them cannot go on. */
  stop: AbortController;
}

/** Trials of a depth that begin in the neighbourhood of what is known to work. */
const START_POINTS = 4;
/** A trial that ended its process so often is not tried again. */
const ATTEMPTS = 3;

/** Adds the trials of a depth to those that stand. @throws TascnetError when one cannot be built; Interrupted. */
export async function searchDepth(run: SearchRun, depth: number): Promise<void> {
  const { searchable, options, standing } = run;
  const { trials, seed, sampler = 'gp', journal } = options;
  const first = standing.trials.length;
  // Chance goes by nothing that is known; but the network as it was is always tried.
  const begun = sampler === 'random' ? 1 : Math.min(trials, START_POINTS);
  const limited = isLimited(standing.limits);
  const study: Study = openStudy({
    space: spaceAt(searchable, depth),
    sampler,
    seed,
    id: studyId(depth),
    initial: startPoints(searchable, depth, leading(standing)?.configuration, begun, seed),
    startTrials: Math.min(8, Math.max(3, Math.round(trials / 3))),
    // Costs are known without a trial. The network as it came is tried whatever it costs: the others are measured by it.
    allowed: async (point) =>
      !limited || study.trials.length + first === 0 || areWithin(standing, await costsAt(searchable, point)),
    parallel: jobsOf(options) > 1 ? jobsOf(options) : undefined,
    journal,
  });
  for (const { details } of study.trials) if (details) insertTrial(standing, trialRecordSchema.parse(details));
  if (standing.trials.length - first >= trials) return;

  const cut = cutAt(searchable, depth);
  const features = featureSets(run, cut);
  try {
    await schedule(run, study, async (asked) => {
      const job = jobOf(run, { depth, first, cut }, asked);
      const record = await attempt(run, job, asked.number, features);
      insertTrial(standing, record);
      study.tell(asked.number, outcomeOf(standing, record));
      keepFront(run, record);
      options.onTrial?.(record, chosen(standing));
    });
  } finally {
    features.close();
  }
}

function studyId(depth: number): string {
  return `depth ${depth}`;
}

function jobsOf({ jobs = 1 }: SearchOptions): number {
  return Math.max(1, jobs);
}

/**
 * Starts trials in their order, each once those up to `jobs` before it are told: what it is proposed from and compared with
 * depends on its number, not on how long others take. Trial 0 comes alone, since the noise is measured on it.
 */
async function schedule(run: SearchRun, study: Study, work: (asked: StudyTrial) => Promise<void>): Promise<void> {
  const { options, stop } = run;
  const running = new Map<number, Promise<void>>();
  let failure: { error: unknown } | undefined;
  const settled = async (upTo: number) => {
    await Promise.all([...running].filter(([number]) => number <= upTo).map(([, promise]) => promise));
  };
  while (!failure && study.upcoming() < options.trials) {
    await settled(Math.max(0, study.upcoming() - jobsOf(options)));
    if (failure) break;
    const asked = await study.ask();
    if (!asked) break;
    const promise = work(asked)
      .catch((error: unknown) => {
        failure ??= { error };
        stop.abort();
      })
      .finally(() => running.delete(asked.number));
    running.set(asked.number, promise);
  }
  await settled(Number.POSITIVE_INFINITY);
  if (failure) throw failure.error;
}

interface At {
  depth: number;
  /** The first trial of the depth, counted over the whole search. */
  first: number;
  cut: string;
}

function jobOf({ options, standing }: SearchRun, { depth, first, cut }: At, asked: StudyTrial): TrialJob {
  const known = first + asked.number - jobsOf(options);
  const others = standing.trials
    .filter((trial) => trial.depth === depth && trial.failed === undefined && trial.trial <= known)
    .map(({ curve }) => curve);
  // Told by its number, so that a resumed search does the same.
  const seed = randomGenerator(options.seed, 'trial', depth, asked.number).int(2 ** 31);
  return { trial: first + asked.number, depth, cut, configuration: asked.point, seed, others };
}

/** The job of a trial that is done, as it was asked then. */
export function jobAgain(run: SearchRun, { trial, depth, configuration }: TrialRecord): TrialJob {
  const first = run.standing.trials.findIndex((record) => record.depth === depth);
  const cut = cutAt(run.searchable, depth);
  return { ...jobOf(run, { depth, first, cut }, { number: trial - first, point: configuration }), others: [] };
}

const attemptSchema = z.object({ study: z.string(), trial: z.number() });

/** Runs a trial, unless the journal tells that the process did not survive it. */
async function attempt(
  { options, searchable, runner }: SearchRun,
  job: TrialJob,
  number: number,
  features: FeatureSets,
): Promise<TrialRecord> {
  const { journal } = options;
  const fields = { study: studyId(job.depth), trial: number };
  const count = (kind: string) =>
    eventsOfKind(journal?.events ?? [], kind, attemptSchema).filter(
      ({ study, trial }) => study === fields.study && trial === number,
    ).length;
  if (count('trial-begun') - count('trial-interrupted') >= ATTEMPTS)
    return failedTrial(searchable, job, `the process ended while it ran, ${ATTEMPTS} times`);
  journal?.append('trial-begun', fields);
  try {
    return await runner.run(job, await features.of(job.configuration));
  } catch (error) {
    if (error instanceof Interrupted) journal?.append('trial-interrupted', fields);
    throw error;
  }
}

/** The features of trials, prepared for each image size when a trial first needs it. */
export interface FeatureSets {
  /** @throws TascnetError when they cannot be made; Interrupted. */
  of(configuration: Point): Promise<PreparedFeatures>;
  close(): void;
}

export function featureSets({ searchable, data, options }: SearchRun, cut: string): FeatureSets {
  const { views = 1, seed, featureFolder, featureStorage, threads, signal, onFeatures } = options;
  const open = new Map<number, Promise<PreparedFeatures>>();
  const prepare = async (size: number): Promise<PreparedFeatures> => {
    const resized = searchable.sizes.get(size);
    if (resized && !data.atSize) throw new TascnetError(`There are no images of ${size}×${size} to search with.`);
    const own = resized && data.atSize ? await data.atSize(size) : data;
    return featuresAt(resized ?? searchable.graph, cut, own, {
      views,
      seed,
      folder: featureFolder,
      storage: featureStorage,
      shared: jobsOf(options) > 1,
      threads,
      signal,
      onProgress: onFeatures,
    });
  };
  return {
    of: (configuration) => {
      const size = Number(configuration[NETWORK.imageSize] ?? 0);
      const found = open.get(size) ?? prepare(size);
      open.set(size, found);
      return found;
    },
    close: () => {
      for (const features of open.values())
        features.then(
          (opened) => opened.close(),
          () => undefined,
        );
    },
  };
}

/** Only networks on the Pareto front can become the result. */
function keepFront({ standing, folder }: SearchRun, record: TrialRecord): void {
  const front = new Set(frontOf(standing).map(({ trial }) => trial));
  for (const { trial } of standing.trials) if (!front.has(trial)) dropTail(folder, trial);
  if (!front.has(record.trial)) dropTail(folder, record.trial);
}
