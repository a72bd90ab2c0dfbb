/** Zeroed equals removed, for whole families of networks: what each file of tests does with its share of them. */

import { describe, expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import { type Graph, withoutDead } from '../../lib/graph/graph.js';
import { validateGraph } from '../../lib/graph/validate.js';
import { pruneOnce } from '../../lib/prune/one-shot.js';
import { type Removal, type Removed, removeChannels } from '../../lib/surgery/remove.js';
import type { ZooOptions } from '../models/pieces.js';
import { relativeError, runModel } from '../models/runtime.js';
import { randomRemovals, smallestRemovals } from './removals.js';
import { sliced } from './sliced.js';
import { zeroed } from './zeroed.js';

/** What is special about a family. */
export interface Special {
  /**
   * The operators that feel how many channels there are, by which zeroing and removing differ by nature: they compute on
   * the slices that stay, in an otherwise zeroed network (sliced.ts).
   */
  onSlices?: string;
  /** Nodes that stay whole besides the one that makes the output, by reason. */
  pinned?: RegExp;
  /** Channels that groups keep when they are cut towards a target; default: 1. */
  minChannels?: number;
}

const RATIOS = [0.1, 0.3, 0.5, 0.7];

async function compare(graph: Graph, removals: Map<string, Removal>, special: Special): Promise<Graph> {
  const removed = await removeChannels(graph, removals, dependencyGroups(graph));
  await check(graph, removed, special);
  return removed.graph;
}

/** The pruned graph is sound, and computes what the original does with zeros in place of what was removed. */
async function check(graph: Graph, { graph: pruned, plan, kept }: Removed, { onSlices }: Special): Promise<void> {
  validateGraph(pruned);
  expect(inferShapes(pruned).unknown).toEqual([]);
  const alive = withoutDead(pruned);
  expect([pruned.nodes.length, pruned.initializers.size]).toEqual([alive.nodes.length, alive.initializers.size]);
  const reference = zeroed(graph, plan);
  const model = onSlices ? sliced(reference, kept).graph : reference;
  const smaller = await runModel(encodeOnnx(pruned));
  const expected = await runModel(encodeOnnx(model));
  for (const [output, { data, dims }] of Object.entries(expected)) {
    expect(smaller[output]?.dims).toEqual(dims);
    expect(Math.max(...data.map(Math.abs))).toBeGreaterThan(1e-3);
    expect(relativeError(smaller[output]?.data ?? new Float32Array(), data)).toBeLessThan(1e-4);
  }
}

const TO_TARGET = {
  criterion: 'random',
  lambda: 0,
  merge: false,
  roundTo: 1,
  minChannels: 1,
  maxRatio: 0.95,
  ignore: () => false,
  seed: 1,
};

export function testFamilies(
  families: Readonly<Record<string, (options?: ZooOptions) => Graph>>,
  special: Readonly<Record<string, Special>> = {},
  seeds: readonly number[] = [1, 2],
): void {
  describe.each(Object.entries(families))('%s', (name, build) => {
    const one = special[name] ?? {};

    test.each(RATIOS)(
      `%f removed equals ${one.onSlices ? `computed on slices by ${one.onSlices}` : 'zeroed'}`,
      async (ratio) => {
        for (const seed of seeds) {
          const graph = build({ seed });
          const { groups } = dependencyGroups(graph);
          await compare(graph, randomRemovals(groups, ratio, seed), one);
          if (seed === seeds[0]) await compare(graph, smallestRemovals(graph, groups, ratio), one);
        }
      },
    );

    test('what was cut to half of the MACs can be cut to 30 %', async () => {
      const graph = build({ seed: 1 });
      const from = costOf(graph);
      const options = { ...TO_TARGET, minChannels: one.minChannels ?? 1 };
      const half = await pruneOnce(graph, { ...options, targets: { macs: 0.5 } });
      const less = await pruneOnce(half.graph, { ...options, targets: { macs: 0.3 } }, { from });
      expect([half.met, less.met]).toEqual([true, true]);
      await check(graph, half, one);
      await check(half.graph, less, one);
    });

    test('half of the channels take at least 40 % of the MACs', async () => {
      const graph = build({ seed: 1 });
      const dependencies = dependencyGroups(graph);
      const removals = randomRemovals(dependencies.groups, 0.5, 1);
      const { graph: pruned } = await removeChannels(graph, removals, dependencies);
      expect(costOf(pruned).macs).toBeLessThan(0.6 * costOf(graph).macs);
      const others = dependencies.pinned.filter(({ reason }) => !reason.startsWith('it makes the output'));
      expect(others.filter(({ reason }) => !one.pinned?.test(reason))).toEqual([]);
    });
  });
}
