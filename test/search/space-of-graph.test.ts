import { expect, test } from '@jest/globals';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { float32 } from '../../lib/graph/tensor.js';
import { unitOf } from '../../lib/search/space.js';
import {
  configured,
  cutAt,
  describeSpace,
  nearestPoint,
  searchableOf,
  spaceAt,
  startPoints,
} from '../../lib/search/space-of-graph.js';
import { extract } from '../../lib/surgery/extract.js';
import { densenet121, mobilenetV2, resnet18, resnet50, vgg16 } from '../models/families.js';
import { MOBILE_FAMILIES } from '../models/mobile-families.js';
import { relativeError, runModel } from '../models/runtime.js';
import { inputOf, logitsOf } from './points.js';
import { SMALL_FAMILIES } from './small-families.js';

test('the unchanged point is the network itself', async () => {
  for (const family of Object.values(SMALL_FAMILIES)) {
    const graph = family();
    const searchable = searchableOf(graph);
    const point = nearestPoint(searchable, 2);
    unitOf(spaceAt(searchable, 2), point);
    expect(await configured(searchable, point, 0)).toBe(graph);
  }
});

/** Two hidden layers, on a feature map that is flattened. */
function smallVgg(): Graph {
  return vgg16({ width: 0.125, size: 64, classes: 10, seed: 2, hidden: 128 });
}

const NEW_HEAD = { 'head:form': 'new', 'head:pooling': 'kept', 'head:layers': 2, 'head:activation': 'relu' };

test('the head of VGG is found: flattened map, two hidden layers, their neurons inherited by importance', async () => {
  const graph = smallVgg();
  const searchable = searchableOf(graph);
  const { head } = searchable;
  expect(head.flattened).toMatchObject({ channels: 64 });
  expect(head.layers.map((layer) => layer.out)).toEqual([128, 128, 10]);
  const point = { ...NEW_HEAD, 'head:neurons1': 64, 'head:neurons2': 64, 'head:dropout': 0 };
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
  const before = await logitsOf(graph);
  for (const [neurons1 = 0, neurons2 = 0, dropout = 0] of [
    [128, 128, 0.5],
    [256, 512, 0],
    [128, 256, 0.1],
  ]) {
    const point = { ...NEW_HEAD, 'head:neurons1': neurons1, 'head:neurons2': neurons2, 'head:dropout': dropout };
    const after = await logitsOf(await configured(searchable, point, 7));
    expect(relativeError(after.data, before.data)).toBeLessThan(1e-5);
  }
});

test('averaging a flattened map equals the old layer on a map that is constant', async () => {
  const searchable = searchableOf(smallVgg());
  const { head } = searchable;
  const layer = head.layers[0];
  if (!layer || !head.flattened) throw new Error('no flattened map');
  const point = {
    ...NEW_HEAD,
    'head:pooling': 'average',
    'head:neurons1': 128,
    'head:neurons2': 128,
    'head:dropout': 0,
  };
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

/** The graph with all numbers of some initializers set to zero. */
function zeroed(graph: Graph, names: readonly string[]): Graph {
  const initializers = new Map(graph.initializers);
  for (const name of names) {
    const tensor = graph.initializers.get(name);
    if (!tensor) throw new Error(`no ${name}`);
    initializers.set(name, float32(tensor.dims, new Float32Array(tensor.data.length)));
  }
  return { ...graph, initializers };
}

test('a residual block that is dropped equals one whose branch gives zeros', async () => {
  const graph = resnet18({ width: 0.25, size: 64, classes: 10, seed: 3, blocks: [1, 1, 1, 3] });
  const searchable = searchableOf(graph);
  const dropped = await configured(searchable, { 'layer4.1:block': 'dropped' }, 0);
  const expected = await logitsOf(zeroed(graph, ['layer4.1.conv2.bn.weight', 'layer4.1.conv2.bn.bias']));
  expect(relativeError((await logitsOf(dropped)).data, expected.data)).toBeLessThan(1e-5);
  expect([...dropped.initializers.keys()].filter((name) => name.startsWith('layer4.1'))).toEqual([]);
  expect(dropped.initializers.has('layer4.2.conv1.weight')).toBe(true);
});

test('a layer of a dense block that is dropped equals one that nothing reads', async () => {
  const graph = densenet121({ width: 0.25, size: 64, classes: 10, seed: 3, blocks: [1, 1, 2, 3] });
  const searchable = searchableOf(graph);
  const dropped = await configured(searchable, { 'denseblock4.denselayer3:block': 'dropped' }, 0);
  const weight = graph.initializers.get('classifier.weight');
  if (weight?.dtype !== 'float32') throw new Error('no classifier');
  const [, inputs = 0] = weight.dims;
  const growth = graph.initializers.get('denseblock4.denselayer3.conv2.weight')?.dims[0] ?? 0;
  const masked = weight.data.map((value, at) => (at % inputs >= inputs - growth ? 0 : value));
  const unread = {
    ...graph,
    initializers: new Map(graph.initializers).set('classifier.weight', float32(weight.dims, masked)),
  };
  expect(relativeError((await logitsOf(dropped)).data, (await logitsOf(unread)).data)).toBeLessThan(1e-5);
  expect(dropped.initializers.get('classifier.weight')?.dims).toEqual([10, inputs - growth]);
  expect(dropped.nodes.filter(({ op }) => op === 'Concat')).toHaveLength(6);
});

test('a network cut off before its last units gives the head what the first of them read', async () => {
  const graph = resnet50({ width: 0.25, size: 64, classes: 10, seed: 3, blocks: [1, 1, 1, 2] });
  const searchable = searchableOf(graph);
  expect(searchable.units.slice(0, 2).map(({ unit }) => unit.name)).toEqual(['layer4.1', 'layer4.0']);
  const entry = searchable.units[1]?.unit.entry ?? '';
  const shorter = await configured(searchable, { 'network:truncate': 2 }, 5);
  const input = inputOf(graph);
  const before = extract(graph, [], [entry]);
  const map = (await runModel(encodeOnnx(before), { inputs: { [input.name]: input.value } }))[entry];
  const [, channels = 0, height = 0, width = 0] = map?.dims ?? [];
  const weight = [...shorter.initializers].find(([, { dims }]) => dims.join() === `10,${channels}`)?.[1];
  const bias = shorter.initializers.get('fc.bias');
  const logits = await logitsOf(shorter, input);
  for (const [sample, row] of [
    [0, 0],
    [1, 9],
  ] as const) {
    let sum = Number(bias?.data[row]);
    for (let channel = 0; channel < channels; channel++) {
      const start = (sample * channels + channel) * height * width;
      const values = map?.data.slice(start, start + height * width) ?? new Float32Array();
      const mean = values.reduce((total, value) => total + value, 0) / (height * width);
      sum += mean * Number(weight?.data[row * channels + channel]);
    }
    expect(logits.data[sample * 10 + row]).toBeCloseTo(sum, 4);
  }
});

test('a kernel that grows computes the same; units behind one another are dropped together', async () => {
  const graph = mobilenetV2({ width: 0.25, size: 64, classes: 10, seed: 3, repeats: [1, 1, 1, 1, 1, 2, 1] });
  const searchable = searchableOf(graph);
  const before = await logitsOf(graph);
  const larger = await configured(searchable, { 'features.4.depthwise:kernel': 5 }, 0);
  expect(larger.initializers.get('features.4.depthwise.weight')?.dims.slice(2)).toEqual([5, 5]);
  expect(relativeError((await logitsOf(larger)).data, before.data)).toBeLessThan(1e-5);

  // The shapes of two plain blocks allow that both are left out; the channels of the one before them are then read.
  const plain = MOBILE_FAMILIES.mobilenetV1?.() ?? graph;
  const chain = searchableOf(plain);
  const whole = chain.units.filter(({ unit }) => unit.keepsShape).map(({ unit }) => `${unit.name}:block`);
  expect(whole.length).toBeGreaterThan(0);
  const without = await configured(chain, Object.fromEntries(whole.map((name) => [name, 'dropped'])), 0);
  expect(without.nodes.length).toBeLessThan(plain.nodes.length);
  expect((await logitsOf(without)).data.every(Number.isFinite)).toBe(true);
});

test('activations are replaced in a unit, and what a dropped block offers is not asked for', async () => {
  const graph = resnet18({ width: 0.25, size: 64, classes: 10, seed: 3, blocks: [1, 1, 1, 2] });
  const searchable = searchableOf(graph);
  const swish = await configured(searchable, { 'layer4.1:activation': 'hard-swish' }, 0);
  const count = (one: Graph, op: string) => one.nodes.filter((node) => node.op === op).length;
  expect(count(swish, 'HardSwish')).toBe(2);
  expect(count(swish, 'Relu')).toBe(count(graph, 'Relu') - 2);
  const point = nearestPoint(searchable, 1, { 'layer4.1:block': 'dropped', 'layer4.1.conv1:width': 0.5 });
  expect(Object.keys(point).filter((name) => name.startsWith('layer4.1'))).toEqual(['layer4.1:block']);
});

test('a search at a depth begins with the best so far, then in its neighbourhood', () => {
  const searchable = searchableOf(resnet18({ width: 0.5, size: 64, classes: 10, seed: 3, blocks: [1, 1, 1, 2] }));
  const best = { ...nearestPoint(searchable, 1), 'layer4.1.conv1:width': 0.25, 'head:dropout': 0.2 };
  const points = startPoints(searchable, 2, best, 5, 1);
  const space = spaceAt(searchable, 2);
  for (const point of points) unitOf(space, point);
  expect(points[0]).toMatchObject(best);
  expect(points[1]).toMatchObject({ ...best, 'layer4.0.conv1:width': 0.5 });
  expect(points).toHaveLength(5);
  expect(startPoints(searchable, 2, best, 5, 1)).toEqual(points);
  expect(startPoints(searchable, 2, best, 5, 2)).not.toEqual(points);
});

test('a deeper search is cut earlier, and describes itself', () => {
  for (const family of Object.values(SMALL_FAMILIES)) {
    const graph = family();
    const searchable = searchableOf(graph);
    const described = describeSpace(searchable, 3);
    const [first, second, third] = described;
    expect(described).toHaveLength(3);
    expect(first?.trainableParameters).toBeLessThanOrEqual(second?.trainableParameters ?? 0);
    expect(second?.macs).toBeLessThanOrEqual(third?.macs ?? 0);
    expect(third?.space.length).toBeGreaterThan(first?.space.length ?? 0);
    expect(first?.cut.shape.length).toBeGreaterThan(0);
    expect(first?.unit?.layers.length).toBeGreaterThan(0);
    expect(inferShapes(graph).types.has(cutAt(searchable, 3))).toBe(true);
  }
});
