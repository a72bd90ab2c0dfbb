import { expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { type RandomGenerator, randomGenerator } from '../../lib/graph/random.js';
import { validateGraph } from '../../lib/graph/validate.js';
import { prefixOf, tailOf } from '../../lib/search/cut.js';
import { pointAt, unitOf } from '../../lib/search/space.js';
import {
  configured,
  cutAt,
  depthsOf,
  describeSpace,
  searchableOf,
  spaceAt,
  unchangedPoint,
} from '../../lib/search/space-of-graph.js';
import {
  densenet121,
  efficientnetB0,
  type FamilyOptions,
  mobilenetV2,
  resnet18,
  resnet50,
  squeezenet,
  vgg16,
} from '../models/families.js';
import { randomInput, relativeError, runModel } from '../models/runtime.js';

const SIZE = 32;

/** The families with fewer blocks: the joints are those of the whole ones. */
const FAMILIES: Record<string, (options: FamilyOptions) => Graph> = {
  vgg16: (options) => vgg16({ ...options, hidden: 48 }),
  resnet18: (options) => resnet18({ ...options, blocks: [1, 1, 1, 2] }),
  resnet50: (options) => resnet50({ ...options, blocks: [1, 1, 1, 2] }),
  densenet121: (options) => densenet121({ ...options, blocks: [1, 1, 2, 3] }),
  mobilenetV2: (options) => mobilenetV2({ ...options, repeats: [1, 1, 1, 1, 1, 2, 1] }),
  squeezenet: (options) => squeezenet({ ...options, size: 64 }),
  efficientnetB0: (options) => efficientnetB0({ ...options, repeats: [1, 1, 1, 1, 1, 2, 1] }),
};

const sizeOf = (name: string) => (name === 'squeezenet' ? 64 : SIZE);

function inputOf(size: number) {
  const dims = [2, 3, size, size];
  return { dims, data: randomInput(dims, 5) };
}

async function logitsOf(graph: Graph, size = SIZE): Promise<Float32Array> {
  const outputs = await runModel(encodeOnnx(graph), { inputs: { input: inputOf(size) } });
  const logits = outputs[graph.outputs[0]?.name ?? ''];
  expect([...(logits?.dims ?? [])]).toEqual([2, 10]);
  return logits?.data ?? new Float32Array();
}

function randomPoint(searchable: ReturnType<typeof searchableOf>, depth: number, random: RandomGenerator) {
  const space = spaceAt(searchable, depth);
  return pointAt(
    space,
    space.map(() => random.next()),
  );
}

for (const [name, family] of Object.entries(FAMILIES))
  test(`${name}: every point of the space is a valid graph, and prefix and tail make the whole`, async () => {
    const graph = family({ width: 0.25, size: SIZE, classes: 10, seed: 3 });
    const searchable = searchableOf(graph);
    const depths = depthsOf(searchable, 4);
    expect(depths).toEqual([1, 2, 3, 4]);
    const random = randomGenerator('points', name);
    const size = sizeOf(name);
    const original = costOf(graph);
    for (let draw = 0; draw < 6; draw++) {
      const depth = depths[draw % depths.length] ?? 1;
      const point = randomPoint(searchable, depth, random);
      const whole = await configured(searchable, point, draw);
      validateGraph(whole);
      const { types, unknown } = inferShapes(whole, { input: inputOf(size).dims });
      expect(unknown).toEqual([]);
      expect(types.get(whole.outputs[0]?.name ?? '')?.dims).toEqual([2, 10]);
      expect(costOf(whole).macs).toBeLessThanOrEqual(original.macs + 3_000_000);
      const cut = cutAt(searchable, depth);
      const tail = tailOf(whole, cut);
      validateGraph(tail);
      if (draw % 3 > 0) continue;
      const logits = await logitsOf(whole, size);
      expect(logits.every(Number.isFinite)).toBe(true);
      const prefix = prefixOf(graph, cut, false);
      const middle = await runModel(encodeOnnx(prefix), { inputs: { input: inputOf(size) } });
      const value = middle[cut];
      if (!value) throw new Error(`the prefix gives no ${cut}`);
      const outputs = await runModel(encodeOnnx(tail), {
        inputs: { [cut]: { dims: [...value.dims], data: value.data } },
      });
      const [fromTail] = Object.values(outputs);
      expect(relativeError(fromTail?.data ?? new Float32Array(), logits)).toBeLessThan(1e-4);
    }
  });

test('the unchanged point is the network itself', async () => {
  for (const family of Object.values(FAMILIES)) {
    const graph = family({ width: 0.125, size: SIZE, classes: 10, seed: 1 });
    const searchable = searchableOf(graph);
    const point = unchangedPoint(searchable, 2);
    unitOf(spaceAt(searchable, 2), point);
    expect(await configured(searchable, point, 0)).toBe(graph);
  }
});

/** Two hidden layers, on a feature map that is flattened. */
function smallVgg(): Graph {
  return vgg16({ width: 0.125, size: 64, classes: 10, seed: 2, hidden: 128 });
}

test('the head of VGG is found: flattened map, two hidden layers, their neurons inherited by importance', async () => {
  const graph = smallVgg();
  const searchable = searchableOf(graph);
  const { head } = searchable;
  expect(head.flattened).toMatchObject({ channels: 64 });
  expect(head.layers.map((layer) => layer.out)).toEqual([128, 128, 10]);
  const point = { head: 'new', pooling: 'kept', layers: 2, neurons1: 64, neurons2: 64, activation: 'relu', dropout: 0 };
  const smaller = await configured(searchable, point, 0);
  const [first, second, last] = ['head_1', 'head_2', 'head_3'].map((layer) =>
    smaller.initializers.get(`${layer}.weight`),
  );
  expect(second?.dims).toEqual([64, 64]);
  expect(last?.dims).toEqual([10, 64]);
  // Brute force: the 64 rows of the old first layer with the largest sums of absolute weights.
  const old = head.layers[0];
  if (!old || first?.dtype !== 'float32') throw new Error('no first layer');
  const rows = Array.from({ length: old.out }, (_, row) => old.weight.slice(row * old.in, (row + 1) * old.in));
  const sums = rows.map((row) => row.reduce((sum, value) => sum + Math.abs(value), 0));
  const threshold = sums.toSorted((a, b) => b - a)[63] ?? 0;
  const kept = rows.filter((_, row) => (sums[row] ?? 0) >= threshold);
  expect(first.data).toEqual(Float32Array.from(kept.flatMap((row) => [...row])));
});

test('a head that only grows, or only changes its dropout, computes the same', async () => {
  const graph = smallVgg();
  const searchable = searchableOf(graph);
  const before = await logitsOf(graph, 64);
  const point = { head: 'new', pooling: 'kept', layers: 2, activation: 'relu' };
  for (const [neurons1, neurons2, dropout] of [
    [128, 128, 0.5],
    [256, 512, 0],
    [128, 256, 0.1],
  ])
    expect(
      relativeError(
        await logitsOf(await configured(searchable, { ...point, neurons1, neurons2, dropout } as never, 7), 64),
        before,
      ),
    ).toBeLessThan(1e-5);
});

test('averaging a flattened map equals the old layer on a map that is constant', async () => {
  const searchable = searchableOf(smallVgg());
  const { head } = searchable;
  const layer = head.layers[0];
  if (!layer || !head.flattened) throw new Error('no flattened map');
  const hidden = head.layers.length - 1;
  const widths = Object.fromEntries(head.layers.slice(0, hidden).map(({ out }, index) => [`neurons${index + 1}`, out]));
  const point = { head: 'new', pooling: 'average', layers: hidden, activation: 'relu', dropout: 0, ...widths };
  const averaged = await configured(searchable, point, 0);
  const weight = averaged.initializers.get('head_1.weight');
  const { channels, positions } = head.flattened;
  expect(weight?.dims).toEqual([layer.out, channels]);
  for (const [row, channel] of [
    [0, 0],
    [3, 5],
    [layer.out - 1, channels - 1],
  ] as const) {
    const start = row * layer.in + channel * positions;
    const sum = layer.weight.slice(start, start + positions).reduce((total, value) => total + value, 0);
    expect(Number(weight?.data[row * channels + channel])).toBeCloseTo(sum, 4);
  }
});

test('a deeper search is cut earlier, and describes itself', () => {
  for (const family of Object.values(FAMILIES)) {
    const graph = family({ width: 0.25, size: SIZE, classes: 10, seed: 3 });
    const described = describeSpace(graph, 3);
    const [first, second, third] = described;
    expect(described).toHaveLength(3);
    expect(first?.trainableParameters).toBeLessThanOrEqual(second?.trainableParameters ?? 0);
    expect(second?.macs).toBeLessThanOrEqual(third?.macs ?? 0);
    expect(third?.space.length).toBe((first?.space.length ?? 0) + 2);
    expect(first?.cut.shape.length).toBeGreaterThan(0);
  }
});
