import { describe, expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { validateGraph } from '../../lib/graph/validate.js';
import { CRITERIA } from '../../lib/prune/criteria/index.js';
import { pruneOnce } from '../../lib/prune/one-shot.js';
import type { PruneOptions } from '../../lib/prune/options.js';
import { composePlans } from '../../lib/surgery/compose.js';
import { composeKept } from '../../lib/surgery/kept.js';
import { graphBuilder } from '../models/builder.js';
import { FAMILIES } from '../models/families.js';
import { shufflenetV2 } from '../models/mobile-families.js';
import { resnext } from '../models/residual-families.js';
import { relativeError, runModel } from '../models/runtime.js';
import { zeroed } from '../surgery/zeroed.js';

const OPTIONS: PruneOptions = {
  criterion: 'l1',
  lambda: 1,
  merge: true,
  targets: { macs: 0.5 },
  roundTo: 2,
  minChannels: 1,
  maxRatio: 0.9,
  ignore: () => false,
  seed: 1,
};

const SMALL = { width: 0.125, size: 32, classes: 7 };

/** What of an axis of the original is in the pruned graph, by comparing the tensors: original indices of its slices. */
function slicesThatStay(
  before: Graph,
  after: Graph,
  tensor: string,
  axis: number,
  others: (index: number[]) => number[],
) {
  const [whole, part] = [before.initializers.get(tensor), after.initializers.get(tensor)];
  if (!whole || !part) throw new Error(`${tensor} is missing.`);
  const at = ({ dims, data }: typeof whole, index: number[]) =>
    data[index.reduce((flat, i, a) => flat * (dims[a] ?? 1) + i, 0)];
  const found: number[] = [];
  for (let slice = 0; slice < (part.dims[axis] ?? 0); slice++) {
    const index = part.dims.map((_, a) => (a === axis ? slice : 0));
    const value = at(part, index);
    const origin = others(index);
    const from = found.length === 0 ? 0 : (found.at(-1) ?? 0) + 1;
    let match = from;
    while (match < (whole.dims[axis] ?? 0) && at(whole, origin.with(axis, match)) !== value) match++;
    found.push(match);
  }
  return found;
}

test('where each group loses its own share, scores of another scale choose the same', async () => {
  const graph = resnext();
  for (const ratio of [0.3, 0.5]) {
    const options = { ...OPTIONS, merge: false, targets: {}, ratio };
    const { plan } = await pruneOnce(graph, options);
    expect(plan.groups.length).toBeGreaterThan(5);
    for (const normalize of ['mean', 'l2'] as const)
      expect((await pruneOnce(graph, { ...options, normalize })).plan).toEqual(plan);
  }
});

// Two whose channels are tied otherwise once some are gone.
const NETWORKS: [string, Graph][] = [
  ...Object.entries(FAMILIES).map(([name, build]): [string, Graph] => [name, build(SMALL)]),
  ['shufflenetV2', shufflenetV2()],
  ['resnext', resnext()],
];

describe.each(NETWORKS)('%s', (_, graph) => {
  test('halves of the MACs, and of the parameters, are reached; zeroed equals removed', async () => {
    const { macs, parameters } = costOf(graph);
    const byMacs = await pruneOnce(graph, OPTIONS);
    expect(byMacs.met).toBe(true);
    expect(byMacs.macs).toBe(costOf(byMacs.graph).macs);
    expect(byMacs.macs).toBeLessThanOrEqual(0.5 * macs);
    // Not much more than was asked for.
    expect(byMacs.macs).toBeGreaterThan(0.4 * macs);
    const byParameters = await pruneOnce(graph, { ...OPTIONS, targets: { parameters: 0.5 } });
    expect(byParameters.met).toBe(true);
    expect(byParameters.parameters).toBeLessThanOrEqual(0.5 * parameters);

    validateGraph(byMacs.graph);
    const [smaller, masked] = await Promise.all(
      [byMacs.graph, zeroed(graph, byMacs.plan)].map((model) => runModel(encodeOnnx(model))),
    );
    for (const [output, { data }] of Object.entries(masked ?? {}))
      expect(relativeError(smaller?.[output]?.data ?? new Float32Array(), data)).toBeLessThan(1e-4);
  });

  test('three removals in a row compose to one plan of the original and one list of what stays', async () => {
    const dependencies = dependencyGroups(graph);
    const originalChannels = new Map(dependencies.groups.map(({ id, channels }) => [id, channels]));
    const from = costOf(graph);
    const plans = [];
    let current = graph;
    let kept: ReadonlyMap<string, Int32Array> = new Map();
    for (const [index, macs] of [0.8, 0.6, 0.4].entries()) {
      const options = { ...OPTIONS, targets: { macs }, criterion: index === 1 ? 'random' : 'l1' };
      const cut = await pruneOnce(current, options, { from, originalChannels });
      expect(cut.met).toBe(true);
      plans.push(cut.plan);
      kept = composeKept(kept, cut.kept);
      current = cut.graph;
    }
    const plan = composePlans(dependencies, plans);
    const [smaller, masked] = await Promise.all(
      [current, zeroed(graph, plan)].map((model) => runModel(encodeOnnx(model))),
    );
    for (const [output, { data }] of Object.entries(masked ?? {}))
      expect(relativeError(smaller?.[output]?.data ?? new Float32Array(), data)).toBeLessThan(1e-4);
    // The tensors themselves say the same.
    for (const { tensor, axis } of plan.groups.flatMap(({ members }) => members)) {
      const dims = graph.initializers.get(tensor)?.dims ?? [];
      const stay = dims.map((extent, a) => [...(kept.get(`${a}:${tensor}`) ?? Array(extent).keys())]);
      const stays = (a: number) => stay[a] ?? [];
      const removed = plan.groups.flatMap(({ members }) =>
        members
          .filter((member) => member.tensor === tensor && member.axis === axis)
          .flatMap((member) => member.removed),
      );
      expect([...stays(axis), ...removed].sort((a, b) => a - b)).toEqual([...Array(dims[axis] ?? 0).keys()]);
      const others = (index: number[]) => index.map((i, a) => stays(a)[i] ?? 0);
      expect(slicesThatStay(graph, current, tensor, axis, others)).toEqual(stays(axis));
    }
  });
});

test('merges that follow each other are told as one into what is still there', () => {
  const b = graphBuilder('chain');
  const x = b.conv(b.input([2, 4, 4]), 6, { name: 'first' });
  const dependencies = dependencyGroups(b.build(b.gemm(b.flatten(b.globalAveragePool(x)), 2)));
  const step = (channels: number, removed: number[], merged: [number, number][]) => ({
    groups: [
      { id: 'first.weight', channels, removed, merged, members: [{ tensor: 'first.weight', axis: 0, removed }] },
    ],
    pinned: [],
  });
  const [group] = composePlans(dependencies, [
    step(
      6,
      [4, 5],
      [
        [5, 3],
        [4, 0],
      ],
    ),
    // 0 1 2 3 are left; then 0 2 3; then 0 2.
    step(4, [1], [[1, 3]]),
    step(3, [2], [[2, 1]]),
  ]).groups;
  expect(group?.removed).toEqual([1, 3, 4, 5]);
  expect(group?.merged).toEqual([
    [5, 2],
    [4, 0],
    [1, 2],
    [3, 2],
  ]);
});

test('a ratio takes the same share of every group and stops at the limits', async () => {
  const graph = FAMILIES.resnet18?.(SMALL);
  if (!graph) throw new Error('no resnet18');
  const cut = await pruneOnce(graph, { ...OPTIONS, ratio: 0.5, targets: {}, maxRatio: 0.25 });
  expect(cut.plan.groups.length).toBeGreaterThan(5);
  for (const { channels, removed } of cut.plan.groups) expect(removed.length).toBeLessThanOrEqual(channels / 4);
  const half = await pruneOnce(graph, { ...OPTIONS, ratio: 0.5, targets: {} });
  for (const { channels, removed } of half.plan.groups) expect(removed.length).toBe(channels / 2);
});

test('every criterion of the weights reaches the target; those that need more say so', async () => {
  const graph = FAMILIES.mobilenetV2?.(SMALL);
  if (!graph) throw new Error('no mobilenetV2');
  for (const { name, needs } of CRITERIA) {
    const cut = pruneOnce(graph, { ...OPTIONS, criterion: name });
    if (needs === 'gradients') await expect(cut).rejects.toThrow('needs data');
    else expect(await cut).toMatchObject({ met: true });
  }
});

test('a network with nothing to prune says why', async () => {
  const b = graphBuilder('bare');
  const graph = b.build(b.gemm(b.flatten(b.globalAveragePool(b.input([3, 4, 4]))), 2, { name: 'only' }));
  await expect(pruneOnce(graph, OPTIONS)).rejects.toThrow('Nothing in this model can be pruned.');
});

test('a target out of reach is missed as closely as the limits allow, and said to be', async () => {
  const graph = FAMILIES.vgg16?.(SMALL);
  if (!graph) throw new Error('no vgg16');
  const cut = await pruneOnce(graph, { ...OPTIONS, targets: { macs: 0.01 }, maxRatio: 0.5 });
  expect(cut.met).toBe(false);
  for (const { channels, removed } of cut.plan.groups) expect(removed.length).toBe(channels / 2);
});
