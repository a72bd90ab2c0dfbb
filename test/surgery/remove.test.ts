import { describe, expect, test } from '@jest/globals';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { float32, numbersOf } from '../../lib/graph/tensor.js';
import { removeChannels } from '../../lib/surgery/remove.js';
import { graphBuilder } from '../models/builder.js';
import { FAMILIES } from '../models/families.js';
import { testFamilies } from './families.js';

const SMALL = { width: 0.125, size: 64, classes: 7 };

testFamilies(
  Object.fromEntries(
    Object.entries(FAMILIES).map(([name, build]) => {
      // VGG's last map keeps an area, which the dense layers take flattened.
      const size = name === 'vgg16' ? 64 : 32;
      return [name, ({ seed = 0 } = {}) => build({ ...SMALL, size, seed })];
    }),
  ),
  // At this width some squeeze to one channel.
  { efficientnetB0: { pinned: /has one channel/ } },
  [1],
);

describe.each(Object.entries(FAMILIES))('%s', (_, build) => {
  const graph = build(SMALL);

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
    const sum = (tensor: typeof weight) => (tensor ? numbersOf(tensor) : []).reduce((total, value) => total + value, 0);
    const before = merged.initializers.get(reader.value);
    const without = removed.initializers.get(reader.value);
    expect(before?.dims).toEqual(without?.dims);
    expect(sum(before)).toBeCloseTo(sum(weight), 1);
  });
});

test('the shapes that are left know what is computed of a cut tensor, through another constant as well', async () => {
  const b = graphBuilder('computed');
  const k = b.constant('k', float32([1], [-2]));
  const w = b.constant('w', float32([6, 1, 1, 1], [1, 2, 3, 4, 5, 6]));
  const negative = b.node('Neg', [k]);
  const twice = b.node('Mul', [w, negative]);
  const x = b.node('Conv', [b.input([1, 4, 4]), twice], {}, { channels: 6 });
  const graph = b.build(b.gemm(b.flatten(b.globalAveragePool(x)), 2, { name: 'fc' }));
  const removed = await removeChannels(graph, new Map([['w', { channels: [0] }]]));
  expect(removed.shapes.types.get('w')?.elements).toEqual([2, 3, 4, 5, 6]);
  expect(removed.shapes.types.get(twice.name)?.elements).toEqual([4, 6, 8, 10, 12]);
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
