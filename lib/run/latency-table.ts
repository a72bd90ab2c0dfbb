/**
 * The latency table of a network: what its answer gains when one dependency group alone is cut to half, measured in ONNX
 * Runtime. Kept in the cache for networks of the same shapes on the same machine.
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { type Cost, costOf } from '../analyze/cost.js';
import { dependencyGroups } from '../analyze/groups.js';
import { cacheDirectory } from '../data/cache-directory.js';
import { throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { makeFolders, writeText } from '../journal/whole-file.js';
import { fitRates, type MeasuredGain } from '../prune/latency-model.js';
import { removeChannels } from '../surgery/remove.js';
import type { Stopwatch } from '../validate/stopwatch.js';
import type { Hooks } from './hooks.js';

const tableSchema = z.object({
  /** Of the whole network, one run. */
  milliseconds: z.number(),
  groups: z.array(z.object({ id: z.string(), channels: z.number(), left: z.number(), gain: z.number() })),
  /** Milliseconds for each MAC, by node, that the gains follow from. */
  rates: z.record(z.string(), z.number()),
});

export type LatencyTable = z.infer<typeof tableSchema>;

/** The groups with the most MACs are measured; the rest is taken to be as fast as the whole. */
const MOST_GROUPS = 32;
const RUNS = 15;

/** @param conditions what else the time depends on, such as the batch and the threads. */
export async function latencyTable(
  graph: Graph,
  stopwatch: Stopwatch,
  conditions: Record<string, number | undefined>,
  hooks: Hooks,
): Promise<LatencyTable> {
  const file = join(cacheDirectory('latency'), `${fingerprint(graph, conditions)}.json`);
  const known = await readFile(file, 'utf8').then(parsed, () => undefined);
  if (known) return known;
  const table = await measured(graph, stopwatch, hooks);
  makeFolders(cacheDirectory('latency'));
  await writeText(file, `${JSON.stringify(table)}\n`);
  return table;
}

function parsed(text: string): LatencyTable | undefined {
  try {
    return tableSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function measured(graph: Graph, stopwatch: Stopwatch, hooks: Hooks): Promise<LatencyTable> {
  const dependencies = dependencyGroups(graph);
  const whole = costOf(graph, dependencies.shapes);
  const cuts: { id: string; channels: number; left: number; graph: Graph; lost: Map<string, number>; saved: number }[] =
    [];
  for (const { id, channels } of dependencies.groups) {
    if (channels < 2) continue;
    const left = Math.ceil(channels / 2);
    // Which channels go makes no difference to the time.
    const gone = Array.from({ length: channels - left }, (_, index) => left + index);
    const { graph: cut, shapes } = await removeChannels(graph, new Map([[id, { channels: gone }]]), dependencies);
    const cost = costOf(cut, shapes);
    cuts.push({ id, channels, left, graph: cut, lost: lostMacs(whole, cost), saved: whole.macs - cost.macs });
  }
  const largest = cuts.sort((a, b) => b.saved - a.saved).slice(0, MOST_GROUPS);
  const gains: (MeasuredGain & { id: string; channels: number; left: number })[] = [];
  let total = Number.POSITIVE_INFINITY;
  for (const [done, { id, channels, left, lost, graph: cut }] of largest.entries()) {
    throwIfAborted(hooks.signal);
    hooks.onEvent({ kind: 'progress', what: 'Measuring groups', done, total: largest.length });
    const [before = 0, after = 0] = await stopwatch.medians([graph, cut], RUNS);
    total = Math.min(total, before);
    gains.push({ id, channels, left, lost, gain: Math.max(0, before - after) });
  }
  hooks.onEvent({ kind: 'progress', what: 'Measuring groups', done: largest.length, total: largest.length });
  return {
    milliseconds: total,
    groups: gains.map(({ id, channels, left, gain }) => ({ id, channels, left, gain })),
    rates: Object.fromEntries(fitRates(whole, total, gains)),
  };
}

/** The MACs that each node lost. */
function lostMacs(before: Cost, after: Cost): Map<string, number> {
  const left = new Map(after.nodes.map(({ node, macs }) => [node.name, macs]));
  return new Map(
    before.nodes.flatMap(({ node, macs }): [string, number][] => {
      const lost = macs - (left.get(node.name) ?? 0);
      return lost > 0 ? [[node.name, lost]] : [];
    }),
  );
}

/** Of what the time of a network depends on: its nodes and shapes, not its weights; and the machine. */
function fingerprint({ nodes, inputs, initializers }: Graph, conditions: Record<string, number | undefined>): string {
  const shapes = [...initializers].map(([name, { dtype, dims }]) => [name, dtype, dims]);
  const attributes = nodes.map((node) => [node.name, node.op, node.inputs, node.outputs, Object.keys(node.attributes)]);
  const told = JSON.stringify([attributes, inputs, shapes, conditions, cpus()[0]?.model, cpus().length]);
  return createHash('sha256').update(told).digest('hex').slice(0, 32);
}
