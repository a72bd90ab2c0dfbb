import { describe, expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { type Removal, removeChannels } from '../../lib/surgery/remove.js';
import { FAMILIES } from '../models/families.js';
import { relativeError, runModel } from '../models/runtime.js';
import { zeroed } from './zeroed.js';

const SMALL = { width: 0.125, size: 64, classes: 7 };

/** `ratio` of each group's channels, by chance; at least one stays. */
function randomRemovals(groups: { id: string; channels: number }[], ratio: number, seed: number): Map<string, Removal> {
  const random = randomGenerator('removals', seed);
  return new Map(
    groups.map(({ id, channels }): [string, Removal] => {
      const all = random.shuffle(Array.from({ length: channels }, (_, channel) => channel));
      return [id, { channels: all.slice(0, Math.min(channels - 1, Math.round(channels * ratio))) }];
    }),
  );
}

describe.each(Object.entries(FAMILIES))('%s', (name, build) => {
  const graph = build(SMALL);

  test.each([0.1, 0.3, 0.5, 0.7])('%f removed by chance equals zeroed', async (ratio) => {
    const dependencies = dependencyGroups(graph);
    const removals = randomRemovals(dependencies.groups, ratio, ratio * 100 + name.length);
    const { graph: pruned, plan } = await removeChannels(graph, removals, dependencies);
    const smaller = await runModel(encodeOnnx(pruned));
    const masked = await runModel(encodeOnnx(zeroed(graph, plan)));
    for (const [output, { data, dims }] of Object.entries(masked)) {
      expect(smaller[output]?.dims).toEqual(dims);
      expect(relativeError(smaller[output]?.data ?? new Float32Array(), data)).toBeLessThan(1e-4);
    }
  });

  test('half of the channels take at least 40 % of the MACs', async () => {
    const dependencies = dependencyGroups(graph);
    const { graph: pruned } = await removeChannels(graph, randomRemovals(dependencies.groups, 0.5, 1), dependencies);
    expect(costOf(pruned).macs).toBeLessThan(0.6 * costOf(graph).macs);
  });

  test('a merged channel is added to what its survivor feeds', async () => {
    const dependencies = dependencyGroups(graph);
    const group = dependencies.groups.find(({ channels }) => channels >= 4);
    if (!group) throw new Error('there is no group of four channels');
    const merge: [number, number][] = [[1, 0]];
    const { graph: merged } = await removeChannels(
      graph,
      new Map([[group.id, { channels: [1], merge }]]),
      dependencies,
    );
    const { graph: removed } = await removeChannels(graph, new Map([[group.id, { channels: [1] }]]), dependencies);
    const reader = group.members.find(({ role }) => role === 'reads');
    if (!reader) throw new Error('nothing reads the group');
    const weight = graph.initializers.get(reader.value);
    const sum = (tensor: typeof weight) =>
      Array.from((tensor?.data ?? []) as ArrayLike<number>).reduce((total, value) => total + value, 0);
    const before = merged.initializers.get(reader.value);
    const without = removed.initializers.get(reader.value);
    expect(before?.dims).toEqual(without?.dims);
    expect(sum(before)).toBeCloseTo(sum(weight), 1);
  });
});

test('refuses to remove what is not there, and all there is', async () => {
  const graph = FAMILIES.vgg16?.(SMALL);
  if (!graph) throw new Error('no vgg16');
  const { groups } = dependencyGroups(graph);
  const [first] = groups;
  if (!first) throw new Error('no groups');
  const remove = (id: string, channels: number[]) => removeChannels(graph, new Map([[id, { channels }]]));
  await expect(remove('nothing', [0])).rejects.toThrow('no dependency group "nothing"');
  await expect(remove(first.id, [first.channels])).rejects.toThrow(`channel ${first.channels} cannot be removed`);
  await expect(remove(first.id, [...Array(first.channels).keys()])).rejects.toThrow('would lose all');
});
