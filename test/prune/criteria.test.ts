import { expect, test } from '@jest/globals';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { loadEngine } from '../../lib/engine/engine.js';
import type { Graph } from '../../lib/graph/graph.js';
import { float32 } from '../../lib/graph/tensor.js';
import { criterionNamed } from '../../lib/prune/criteria/index.js';
import type { ScoreContext, TaylorScores } from '../../lib/prune/criterion.js';
import { measureTaylor } from '../../lib/prune/gradients.js';
import { graphBuilder } from '../models/builder.js';
import { FAMILIES } from '../models/families.js';
import { expectClose, figures, smallNetwork, sourceOf, withWeights } from './figures.js';

const engine = await loadEngine();
const { network } = figures;

function contextOf(graph: Graph, taylor?: TaylorScores, seed = 0): ScoreContext {
  return { graph, dependencies: dependencyGroups(graph), seed, signal: undefined, taylor };
}

const batches = sourceOf(
  network.batches.map(({ inputs, labels }) => ({
    inputs: Float32Array.from(inputs),
    shape: [labels.length, 2, 5, 5],
    layout: 'plain' as const,
    labels: Int32Array.from(labels),
  })),
);

for (const name of ['l1', 'l2', 'linf', 'fpgm', 'lamp'])
  test(`${name} equals PyTorch's figures`, async () => {
    const scores = await criterionNamed(name).scores(contextOf(smallNetwork()));
    expect(scores).toHaveLength(2);
    for (const [group, expected] of (network.scores[name] ?? []).entries())
      expectClose(scores[group] ?? [], expected, 1e-6);
  });

test('the terms of taylor equal squared products of PyTorch gradients, summed over batches', async () => {
  const { graph, dependencies } = contextOf(smallNetwork());
  const before = engine.tf.memory().numTensors;
  const taylor = await measureTaylor(engine, graph, dependencies, batches, undefined);
  expect(engine.tf.memory().numTensors).toBe(before);
  for (const key of ['0 first.weight', '0 norm.weight', '0 norm.bias', '0 second.weight', '0 second.bias']) {
    const [axis = '', name = ''] = key.split(' ');
    expectClose(taylor(name, Number(axis)) ?? [], network.taylorOfElements[key] ?? [], 1e-4);
  }
  // What only reads channels, or has none that can go, is not measured.
  expect(taylor('second.weight', 1)).toBeUndefined();
  expect(taylor('fc.weight', 0)).toBeUndefined();
  const scores = await criterionNamed('taylor').scores(contextOf(graph, taylor));
  for (const [group, expected] of (network.scores.taylor ?? []).entries())
    expectClose(scores[group] ?? [], expected, 1e-4);
});

test('taylor asks for data, bn for batch norms', async () => {
  await expect(criterionNamed('taylor').scores(contextOf(smallNetwork()))).rejects.toThrow('needs data');
  await expect(criterionNamed('bn').scores(contextOf(smallNetwork()))).rejects.toThrow(
    'group "second.weight" has no batch norm',
  );
  expect(() => criterionNamed('l7')).toThrow('no pruning criterion "l7"');
});

test('bn adds up the scales of every batch norm behind a channel', async () => {
  const b = graphBuilder('branches');
  const x = b.input([2, 6, 6]);
  const sum = b.add(
    b.bn(b.conv(x, 3, { name: 'left' }), { name: 'a' }),
    b.bn(b.conv(x, 3, { name: 'right' }), { name: 'b' }),
  );
  const built = b.build(b.gemm(b.flatten(b.globalAveragePool(b.relu(sum))), 2));
  const graph = withWeights(built, [
    ['a.weight', float32([3], [1, -2, 0.5])],
    ['b.weight', float32([3], [-0.25, 3, 0])],
  ]);
  const [scores = []] = await criterionNamed('bn').scores(contextOf(graph));
  expect([...scores]).toEqual([1.25, 5, 0.5]);
});

test('random differs from seed to seed and group to group, and is the same for the same', async () => {
  const random = (seed: number) => criterionNamed('random').scores(contextOf(smallNetwork(), undefined, seed));
  expect(await random(3)).toEqual(await random(3));
  expect(await random(3)).not.toEqual(await random(4));
  const [first = [], second = []] = await random(3);
  expect(first[0]).not.toBe(second[0]);
});

test.each(['resnet50', 'densenet121', 'mobilenetV2', 'efficientnetB0'])(
  'the scores of a channel of %s are those of all weights that make it, by plain loops',
  async (family) => {
    const graph = FAMILIES[family]?.({ width: 0.125, size: 32, classes: 3 });
    if (!graph) throw new Error(`${family} is missing.`);
    const context = contextOf(graph);
    const [l1, linf] = await Promise.all(['l1', 'linf'].map((name) => criterionNamed(name).scores(context)));
    for (const [number, { channels, members }] of context.dependencies.groups.entries()) {
      const sums = new Float64Array(channels);
      const largest = new Float64Array(channels);
      for (const { value, axis, indices, perChannel, role } of members) {
        const tensor = graph.initializers.get(value);
        if (role !== 'makes' || tensor?.dtype !== 'float32') continue;
        const inner = tensor.dims.slice(axis + 1).reduce((product, extent) => product * extent, 1);
        const extent = tensor.dims[axis] ?? 1;
        const most = new Float64Array(channels);
        const owner = Array.from({ length: extent }, (_, element) => Math.floor(indices.indexOf(element) / perChannel));
        for (const [index, weight] of tensor.data.entries()) {
          const channel = owner[Math.floor(index / inner) % extent] ?? -1;
          if (channel < 0) continue;
          sums[channel] = (sums[channel] ?? 0) + Math.abs(weight);
          most[channel] = Math.max(most[channel] ?? 0, Math.abs(weight));
        }
        if (perChannel > 1) throw new Error('The largest of each element would have to be added.');
        for (const [channel, value] of most.entries()) largest[channel] = (largest[channel] ?? 0) + value;
      }
      expectClose(l1?.[number] ?? [], sums, 1e-6);
      expectClose(linf?.[number] ?? [], largest, 1e-6);
    }
  },
);
