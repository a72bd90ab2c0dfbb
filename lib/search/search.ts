/**
 * Stage 1: the configuration of the deeper layers, learnt for the data (AutoTune, arXiv 2005.02165; TASCNet, arXiv
 * 2205.05967, section III-A). Depth by depth, from the last layers backwards, a study proposes configurations; each is
 * trained briefly on cached features. Going deeper ends when the best trial of a depth does not beat the best so far.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { costOf } from '../analyze/cost.js';
import type { Engine } from '../engine/engine.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { makeFolders } from '../journal/whole-file.js';
import { featureSets, jobAgain, type SearchRun, searchDepth } from './depth.js';
import type { SearchData } from './features.js';
import type { TrialRecord } from './objective.js';
import { openPool } from './pool.js';
import { loadTail, localRunner, type RunnerOptions } from './runner.js';
import type { SearchOptions } from './search-options.js';
import { cutAt, depthsOf, searchableOf } from './space-of-graph.js';
import { chosen, frontOf, gained } from './standing.js';
import { networkOf, runTrial, type TrialTraining } from './trial.js';

export type { SearchOptions } from './search-options.js';

export interface SearchResult {
  /** `cut`: the value at which the frozen part of its trial ended. */
  best: TrialRecord & { accuracy: number; graph: Graph; cut: string };
  /** Trial 0: the network as it came, trained like every other. */
  baseline: TrialRecord;
  /** The trials that none beats in both accuracy and cost, the most accurate first. */
  pareto: TrialRecord[];
  trials: TrialRecord[];
  /** The depth whose best trial did not beat those before; undefined when the last depth was reached. */
  stoppedAtDepth: number | undefined;
  seconds: number;
  /** What the same trials would take, were the whole network trained each time: by its multiply-adds to the tail's. */
  secondsEndToEndEstimate: number;
}

/**
 * Searches the configuration of the deeper layers of a classifier. The same for the same seed, jobs, engine and data, and
 * when resumed from its journal: finished trials are not run again.
 * @throws TascnetError when the network cannot be searched, or no trial works; Interrupted.
 */
export async function search(
  engine: Engine,
  graph: Graph,
  data: SearchData,
  options: SearchOptions,
): Promise<SearchResult> {
  if (options.trials < 1) throw new TascnetError('A search needs one trial or more at each depth.');
  const started = performance.now();
  const searchable = searchableOf(graph, options.space);
  const folder = options.trialFolder ?? mkdtempSync(join(tmpdir(), 'tascnet-trials-'));
  makeFolders(folder);
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const setting: RunnerOptions = {
    searchable,
    folder,
    signal,
    training: trainingOf(options),
    stop: options.stop ?? 'median',
  };
  const { jobs = 1, space } = options;
  const runner = jobs > 1 ? await openPool(engine, { ...setting, jobs, space }) : localRunner(engine, setting);
  const standing = {
    trials: [],
    original: costOf(graph),
    limits: options.limits ?? {},
    samples: data.validation.samples,
  };
  const run: SearchRun = { searchable, data, options, standing, runner, folder, stop };
  try {
    const stoppedAtDepth = await widen(run);
    const trials: TrialRecord[] = standing.trials;
    const [baseline] = trials;
    const best = chosen(standing);
    if (!baseline || best?.accuracy === undefined) throw nothingWorked(run);
    return {
      best: {
        ...best,
        accuracy: best.accuracy,
        graph: await graphOf(engine, run, best, setting),
        cut: cutAt(searchable, best.depth),
      },
      baseline,
      pareto: frontOf(standing),
      trials,
      stoppedAtDepth,
      seconds: (performance.now() - started) / 1000,
      secondsEndToEndEstimate: trials.reduce(
        (sum, { seconds, macs, trainedMacs }) => sum + (trainedMacs > 0 ? (seconds * macs) / trainedMacs : seconds),
        0,
      ),
    };
  } finally {
    runner.close();
    if (options.trialFolder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** Searches one depth after the other. @returns the one that found nothing better, if any did. */
async function widen(run: SearchRun): Promise<number | undefined> {
  for (const depth of depthsOf(run.searchable, run.options.depth)) {
    await searchDepth(run, depth);
    if (!gained(run.standing, depth)) return depth;
  }
  return undefined;
}

function trainingOf({ epochs, training }: SearchOptions): TrialTraining {
  return {
    optimizer: { kind: 'sgd', weightDecay: 1e-4 },
    learningRate: 0.02,
    schedule: { kind: 'cosine' },
    clipNorm: 5,
    ...training,
    epochs,
  };
}

/** The trained network of a trial; one that was stopped early, or is no longer kept, is trained to its end as it was then. */
async function graphOf(
  engine: Engine,
  run: SearchRun,
  record: TrialRecord,
  { searchable, training, signal }: RunnerOptions,
): Promise<Graph> {
  const job = jobAgain(run, record);
  let tail = await loadTail(run.folder, record.trial);
  if (!tail) {
    const features = featureSets(run, job.cut);
    try {
      const own = await features.of(record.configuration);
      const again = await runTrial(engine, searchable, own, { training, stop: 'none' }, job, signal);
      if (!again.tail)
        throw new TascnetError(
          `Trial ${record.trial} of the search worked once, but not again: ${again.record.failed}`,
        );
      tail = again.tail;
    } finally {
      features.close();
    }
  }
  return networkOf(searchable, job, tail);
}

function nothingWorked({ standing: { trials }, options }: SearchRun): TascnetError {
  const failures = trials.filter(({ failed }) => failed !== undefined);
  if (failures.length < trials.length && options.limits)
    return new TascnetError('No trial of the search stayed within the limits.', {
      hint: 'Raise them, search deeper, or run more trials.',
    });
  return new TascnetError(
    `No trial of the search worked; the last one failed: ${failures.at(-1)?.failed ?? 'there was none'}`,
  );
}
