/** A latency in milliseconds as a target that pruning can work towards, found by measuring in ONNX Runtime. */

import { costOf } from '../analyze/cost.js';
import { throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { Journal } from '../journal.js';
import { predictedLatency } from '../prune/latency-model.js';
import { pruneOnce } from '../prune/one-shot.js';
import { openStopwatch, type Stopwatch } from '../validate/stopwatch.js';
import type { Hooks } from './hooks.js';
import { latencyTable } from './latency-table.js';
import type { LatencyGoal, PruneSettings } from './settings.js';
import { pruneOptions } from './stages.js';

/** Halvings of the interval in which the fraction lies: it is found to within a thirtieth. */
const STEPS = 5;
const LEAST = 0.02;
const RUNS = 40;

export interface LatencySettings {
  seed: number;
  threads?: number | undefined;
}

/**
 * The largest fraction of what the latency table tells of `graph` with which a network of this shape answers one batch
 * within `milliseconds` (median). Which channels of a group go does not matter for the time, so the weights' L1 norm
 * decides; the least fraction when none will do.
 */
export async function latencyGoal(
  graph: Graph,
  settings: LatencySettings & PruneSettings,
  milliseconds: number,
  hooks: Hooks,
): Promise<LatencyGoal> {
  const batch = Number(settings.latencyBatch ?? 1);
  const stopwatch = await openStopwatch({ batch, threads: settings.threads, signal: hooks.signal });
  try {
    const [dense = Number.POSITIVE_INFINITY] = await stopwatch.medians([graph], RUNS);
    if (dense <= milliseconds) return { fraction: 1, from: 1, rates: {} };
    const table = await latencyTable(graph, stopwatch, { batch, threads: settings.threads }, hooks);
    const rates = new Map(Object.entries(table.rates));
    const from = predictedLatency(costOf(graph), rates);
    const goal = (fraction: number): LatencyGoal => ({ fraction, from, rates: table.rates });
    const time = async (fraction: number): Promise<number> => {
      throwIfAborted(hooks.signal);
      return timeOf(stopwatch, graph, { ...settings, latencyGoal: goal(fraction) }, hooks);
    };
    let [low, high] = [LEAST, 1];
    for (let step = 0; step < STEPS; step++) {
      hooks.onEvent({ kind: 'progress', what: 'Measuring widths', done: step, total: STEPS });
      const middle = (low + high) / 2;
      if ((await time(middle)) <= milliseconds) low = middle;
      else high = middle;
    }
    hooks.onEvent({ kind: 'progress', what: 'Measuring widths', done: STEPS, total: STEPS });
    return goal(low);
  } finally {
    await stopwatch.close();
  }
}

/** The settings with what their target of latency comes to for `graph`; a run keeps it, so that going on changes nothing. */
export async function withLatencyGoal<S extends LatencySettings & PruneSettings>(
  graph: Graph,
  settings: S,
  hooks: Hooks,
  journal?: Journal,
): Promise<S> {
  if (settings.targetLatency === undefined) return settings;
  const kept = journal?.events.find(({ kind }) => kind === 'latencyGoal')?.goal as LatencyGoal | undefined;
  const goal = kept ?? (await latencyGoal(graph, settings, settings.targetLatency, hooks));
  if (!kept) journal?.append('latencyGoal', { goal });
  return { ...settings, latencyGoal: goal };
}

/** Milliseconds of the graph pruned to the goal of the settings. */
async function timeOf(
  stopwatch: Stopwatch,
  graph: Graph,
  settings: LatencySettings & PruneSettings & { latencyGoal: LatencyGoal },
  hooks: Hooks,
): Promise<number> {
  const options = { ...pruneOptions(settings, hooks), criterion: 'l1', ratio: undefined, overrides: [] };
  const targets = { latency: settings.latencyGoal.fraction };
  const { graph: cut } = await pruneOnce(graph, { ...options, targets });
  const [median = Number.POSITIVE_INFINITY] = await stopwatch.medians([cut], RUNS);
  return median;
}
