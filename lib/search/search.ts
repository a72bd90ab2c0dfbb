/**
 * Stage 1: the configuration of the deeper layers, learnt for the data (AutoTune, arXiv 2005.02165; TASCNet, arXiv
 * 2205.05967, section III-A). Depth by depth, from the last layers backwards, a study proposes configurations; each is
 * trained briefly on cached features. Going deeper ends when the best trial of a depth does not beat the best so far.
 */

import { z } from 'zod';
import { costOf } from '../analyze/cost.js';
import type { Engine } from '../engine/engine.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { randomGenerator } from '../graph/random.js';
import type { Journal } from '../journal.js';
import { featuresAt, type SearchData } from './features.js';
import {
  bestByScore,
  type Costs,
  deepened,
  noiseOf,
  paretoFront,
  scoreOf,
  selectBest,
  type TrialRecord,
} from './objective.js';
import type { SamplerName } from './propose.js';
import {
  cutAt,
  depthsOf,
  type Searchable,
  searchableOf,
  spaceAt,
  unchangedPoint,
  widthName,
} from './space-of-graph.js';
import { STOP_RULES, type StopRuleName } from './stop-rule.js';
import { type Outcome, openStudy } from './study.js';
import { runTrial, type TrialSetting } from './trial.js';

export interface SearchOptions {
  /** Trials of each depth. */
  trials: number;
  /** Epochs of each trial. */
  epochs: number;
  /** Groups of convolution channels, from the last one backwards, that are searched at most. */
  depth: number;
  seed: number;
  /** Default: gp. */
  sampler?: SamplerName | undefined;
  /** When weak trials are stopped. Default: median. */
  stop?: StopRuleName | undefined;
  /** Augmented views of the training data that features are kept of. Default 1. */
  views?: number | undefined;
  /** How trials are trained. Default: SGD with Nesterov momentum, learning rate 0.02 falling along a cosine. */
  training?: Partial<TrialSetting['training']> | undefined;
  /** Ceilings on the whole network, as shares of the given one's. */
  limits?: Partial<Costs> | undefined;
  journal?: Journal | undefined;
  /** Where features are kept; default: in the cache directory. */
  featureFolder?: string | undefined;
  threads?: number | undefined;
  signal?: AbortSignal | undefined;
  onTrial?: ((record: TrialRecord, best: TrialRecord | undefined) => void) | undefined;
  onFeatures?: ((done: number, total: number) => void) | undefined;
}

export interface SearchResult {
  best: TrialRecord & { accuracy: number; graph: Graph };
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
 * Searches the configuration of the deeper layers of a classifier. The same for the same seed, engine and data, and when
 * resumed from its journal: finished trials are not run again.
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
  const searchable = searchableOf(graph);
  const run: Run = { engine, searchable, original: costOf(graph), data, options, trials: [], graphs: new Map() };
  let stoppedAtDepth: number | undefined;
  for (const depth of depthsOf(searchable, options.depth)) {
    await searchDepth(run, depth);
    if (!deepened(run.trials, depth, (trial) => scoreIn(run, trial))) {
      stoppedAtDepth = depth;
      break;
    }
  }
  const { trials, original } = run;
  const allowed = trials.filter((trial) => isWithin(run, trial));
  const [baseline] = trials;
  const best = selectBest(allowed, original, noise(run));
  if (!baseline || best?.accuracy === undefined) throw nothingWorked(run);
  return {
    best: { ...best, accuracy: best.accuracy, graph: run.graphs.get(best.trial) ?? (await graphOf(run, best)) },
    baseline,
    pareto: paretoFront(allowed, original),
    trials,
    stoppedAtDepth,
    seconds: (performance.now() - started) / 1000,
    secondsEndToEndEstimate: trials.reduce(
      (sum, { seconds, macs, trainedMacs }) => sum + (trainedMacs > 0 ? (seconds * macs) / trainedMacs : seconds),
      0,
    ),
  };
}

/** A search under way. */
interface Run {
  engine: Engine;
  searchable: Searchable;
  original: Costs;
  data: SearchData;
  options: SearchOptions;
  /** Finished trials of all depths, in order. */
  trials: TrialRecord[];
  /** The trained networks of those that may yet be the result. */
  graphs: Map<number, Graph>;
}

const recordSchema = z.object({
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

async function searchDepth(run: Run, depth: number): Promise<void> {
  const { searchable, options, original } = run;
  const { trials, seed, sampler = 'gp', journal } = options;
  const first = run.trials.length;
  const inherited = bestByScore(run.trials, (trial) => scoreIn(run, trial));
  const start = inherited ? { ...inherited.configuration, [widthName(depth)]: 1 } : unchangedPoint(searchable, depth);
  // What is known to work, and the same with half of the channels that this depth is about.
  const initial = depth > 0 ? [start, { ...start, [widthName(depth)]: 0.5 }] : [start];
  const study = openStudy({
    space: spaceAt(searchable, depth),
    sampler,
    seed,
    id: `depth ${depth}`,
    initial,
    startTrials: Math.min(8, Math.max(3, Math.round(trials / 3))),
    journal,
  });
  run.trials.push(...study.trials.flatMap(({ details }) => (details ? [recordSchema.parse(details)] : [])));
  if (run.trials.length - first >= trials) return;

  const cut = cutAt(searchable, depth);
  const features = await openDepth(run, cut);
  try {
    while (run.trials.length - first < trials) {
      const asked = await study.ask();
      if (!asked) break;
      const { record, graph } = await runTrial(
        run.engine,
        { searchable, depth, cut, features, training: trainingOf(options), signal: options.signal },
        { trial: first + asked.number, configuration: asked.point, seed: trialSeed(seed, depth, asked.number) },
        (curve) =>
          STOP_RULES[options.stop ?? 'median']({ curve, others: curvesAt(run, depth), epochs: options.epochs }),
      );
      run.trials.push(record);
      study.tell(asked.number, outcomeOf(run, record));
      keepGraph(run, record, graph);
      options.onTrial?.(
        record,
        selectBest(
          run.trials.filter((trial) => isWithin(run, trial)),
          original,
          noise(run),
        ),
      );
    }
  } finally {
    features.close();
  }
}

function openDepth({ searchable, data, options }: Run, cut: string) {
  const { views = 1, seed, featureFolder, threads, signal, onFeatures } = options;
  return featuresAt(searchable.graph, cut, data, {
    views,
    seed,
    folder: featureFolder,
    threads,
    signal,
    onProgress: onFeatures,
  });
}

function trainingOf({ epochs, training }: SearchOptions): TrialSetting['training'] {
  return {
    optimizer: { kind: 'sgd', weightDecay: 1e-4 },
    learningRate: 0.02,
    schedule: { kind: 'cosine' },
    clipNorm: 5,
    ...training,
    epochs,
  };
}

/** Seeds new weights and dropout of a trial; told by its number, so that a resumed search does the same. */
function trialSeed(seed: number, depth: number, number: number): number {
  return randomGenerator(seed, 'trial', depth, number).int(2 ** 31);
}

function curvesAt({ trials }: Run, depth: number): number[][] {
  return trials.filter((trial) => trial.depth === depth && trial.failed === undefined).map(({ curve }) => curve);
}

/** Measured once, on trial 0, so that the values of all trials can be compared. */
function noise({ trials, data }: Run): number {
  return noiseOf(trials[0]?.accuracy ?? 0.5, data.validation.samples);
}

function excessOf({ options: { limits = {} }, original }: Run, { macs, parameters }: Costs): number[] {
  const excess = (cost: number, whole: number, limit: number | undefined) =>
    limit === undefined ? [] : [cost / (limit * whole) - 1];
  return [...excess(macs, original.macs, limits.macs), ...excess(parameters, original.parameters, limits.parameters)];
}

function isWithin(run: Run, record: TrialRecord): boolean {
  return record.failed === undefined && excessOf(run, record).every((excess) => excess <= 0);
}

function outcomeOf(run: Run, record: TrialRecord): Outcome {
  const details = { ...record };
  if (record.accuracy === undefined) return { failed: record.failed ?? 'it gave no accuracy', details };
  const value = scoreOf(record.accuracy, record, run.original, noise(run));
  return { value, constraints: excessOf(run, record), details };
}

/** Undefined for a trial that failed or breaks a limit. */
function scoreIn(run: Run, trial: TrialRecord): number | undefined {
  if (trial.accuracy === undefined || !isWithin(run, trial)) return undefined;
  return scoreOf(trial.accuracy, trial, run.original, noise(run));
}

/** Only networks on the Pareto front can become the result: memory does not grow with the number of trials. */
function keepGraph(run: Run, record: TrialRecord, graph: Graph | undefined): void {
  if (graph) run.graphs.set(record.trial, graph);
  const allowed = run.trials.filter((trial) => isWithin(run, trial));
  const front = new Set(paretoFront(allowed, run.original).map(({ trial }) => trial));
  for (const trial of run.graphs.keys()) if (!front.has(trial)) run.graphs.delete(trial);
}

/** The network of a trial that was run before the search was resumed, or was stopped early: trained as it was then. */
async function graphOf(run: Run, { trial, depth, configuration }: TrialRecord): Promise<Graph> {
  const { searchable, options, engine } = run;
  const cut = cutAt(searchable, depth);
  const features = await openDepth(run, cut);
  try {
    const first = run.trials.findIndex((record) => record.depth === depth);
    const { graph, record } = await runTrial(
      engine,
      { searchable, depth, cut, features, training: trainingOf(options), signal: options.signal },
      { trial, configuration, seed: trialSeed(options.seed, depth, trial - first) },
      () => false,
    );
    if (!graph) throw new TascnetError(`Trial ${trial} of the search worked once, but not again: ${record.failed}`);
    return graph;
  } finally {
    features.close();
  }
}

function nothingWorked({ trials, options }: Run): TascnetError {
  const failures = trials.filter(({ failed }) => failed !== undefined);
  if (failures.length < trials.length && options.limits)
    return new TascnetError('No trial of the search stayed within the limits.', {
      hint: 'Raise them, search deeper, or run more trials.',
    });
  return new TascnetError(
    `No trial of the search worked; the last one failed: ${failures.at(-1)?.failed ?? 'there was none'}`,
  );
}
