import { expect, test } from '@jest/globals';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { TascnetError } from '../../lib/errors.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { type RandomGenerator, randomGenerator } from '../../lib/graph/random.js';
import { withWindow } from '../../lib/surgery/window.js';
import { graphBuilder } from '../models/builder.js';
import { relativeError, runModel } from '../models/runtime.js';

const pick = <T>(random: RandomGenerator, values: readonly T[]): T => values[random.int(values.length)] as T;

function outputOf(graph: Graph) {
  return runModel(encodeOnnx(graph)).then((outputs) => Object.values(outputs)[0]);
}

function resized(graph: Graph, name: string, extent: number): Graph | undefined {
  const node = graph.nodes.find((other) => other.name === name);
  if (!node) throw new Error(`no ${name}`);
  try {
    return withWindow(graph, node, extent, inferShapes(graph));
  } catch (error) {
    if (error instanceof TascnetError) return undefined;
    throw error;
  }
}

function randomConv(random: RandomGenerator): Graph {
  const b = graphBuilder('one', { seed: random.int(1000) });
  const kernel = pick(random, [1, 2, 3, 3, 5]);
  const both = random.next() < 0.7;
  const channels = 4;
  const x = b.input([channels, 10 + random.int(3), 11]);
  const pads = pick(random, [0, 1, Math.floor((kernel - 1) / 2)]);
  const graph = b.build(
    b.conv(x, channels, {
      name: 'layer',
      kernel: both ? kernel : [1, kernel],
      stride: pick(random, [1, 2]),
      dilation: pick(random, [1, 1, 2]),
      groups: pick(random, [1, 2, channels]),
      pad: pick(random, [
        [pads, pads, pads, pads],
        [0, 0, 1, 1],
      ]) as [number, number, number, number],
    }),
  );
  if (random.next() < 0.7) return graph;
  // The same padding by its name.
  const nodes = graph.nodes.map((node) => {
    const { pads: _, dilations: __, ...attributes } = node.attributes;
    const auto_pad = { type: 'string', value: pick(random, ['SAME_UPPER', 'SAME_LOWER', 'VALID']) } as const;
    return { ...node, attributes: { ...attributes, auto_pad } };
  });
  return { ...graph, nodes, outputs: graph.outputs.map((output) => ({ ...output, dims: undefined })) };
}

test('a larger kernel computes the same; a smaller one what the old one does without its outer taps', async () => {
  const random = randomGenerator('kernels');
  const counts = { larger: 0, smaller: 0 };
  for (let round = 0; round < 160; round++) {
    const graph = randomConv(random);
    const weight = graph.initializers.get('layer.weight');
    const old = weight?.dims.at(-1) ?? 0;
    const extent = pick(random, [1, 2, 3, 4, 5, 7]);
    const changed = resized(graph, 'layer', extent);
    if (!changed || extent === old) continue;
    expect(changed.initializers.get('layer.weight')?.dims.at(-1)).toBe(extent);
    const [before, after] = [await outputOf(graph), await outputOf(changed)];
    expect(after?.dims).toEqual(before?.dims);
    if (extent > old) {
      counts.larger++;
      expect(relativeError(after?.data ?? new Float32Array(), before?.data ?? new Float32Array())).toBeLessThan(1e-5);
      continue;
    }
    counts.smaller++;
    // Grown back, the taps that went are zero: the old kernel with those set to zero does the same.
    const back = resized(changed, 'layer', old);
    const kept = back?.initializers.get('layer.weight');
    if (!back || kept?.dtype !== 'float32' || weight?.dtype !== 'float32') throw new Error('it cannot grow back');
    // From 1×1 a row grows to a square.
    if (kept.dims.join() !== weight.dims.join()) continue;
    expect(kept.data.every((value, at) => value === 0 || value === weight.data[at])).toBe(true);
    const share = (extent / old) ** weight.dims.slice(2).filter((taps) => taps > 1).length;
    expect(kept.data.filter((value) => value !== 0)).toHaveLength(Math.round(share * weight.data.length));
    const masked = { ...graph, initializers: new Map(graph.initializers).set('layer.weight', kept) };
    const expected = await outputOf(masked);
    expect(relativeError(after?.data ?? new Float32Array(), expected?.data ?? new Float32Array())).toBeLessThan(1e-5);
  }
  expect(Math.min(counts.larger, counts.smaller)).toBeGreaterThan(10);
});

test('3×3 → 1×1 is the middle of the kernel', () => {
  const b = graphBuilder('one', { seed: 2 });
  const graph = b.build(b.conv(b.input([3, 6, 6]), 5, { name: 'layer', kernel: 3, pad: 1 }));
  const weight = graph.initializers.get('layer.weight');
  const middle = resized(graph, 'layer', 1)?.initializers.get('layer.weight');
  expect([...(middle?.data ?? [])]).toEqual(Array.from({ length: 15 }, (_, filter) => weight?.data[filter * 9 + 4]));
  // Without padding there is nothing that could stand in the place of what a smaller kernel would read.
  const valid = graphBuilder('two', { seed: 2 });
  const strict = valid.build(valid.conv(valid.input([3, 6, 6]), 5, { name: 'layer', kernel: 3 }));
  expect(resized(strict, 'layer', 1)).toBeUndefined();
  expect(resized(strict, 'layer', 5)).toBeDefined();
});

test('pools of another window give as many outputs', async () => {
  const random = randomGenerator('pools');
  let changes = 0;
  for (let round = 0; round < 60; round++) {
    const b = graphBuilder('pool', { seed: round });
    const kernel = pick(random, [2, 3, 4]);
    const options = { kernel, stride: pick(random, [1, 2]), pad: pick(random, [0, 1]), ceil: random.next() < 0.5 };
    const x = b.input([2, 6 + random.int(4), 9]);
    const pool = random.next() < 0.5 ? b.maxPool(x, options) : b.averagePool(x, options);
    const graph = b.build(pool);
    const extent = pick(random, [1, 2, 3, 4, 5]);
    const changed = resized(graph, graph.nodes[0]?.name ?? '', extent);
    if (!changed || extent === kernel) continue;
    changes++;
    const after = await outputOf(changed);
    expect(after?.dims).toEqual((await outputOf(graph))?.dims);
    expect(after?.data.every(Number.isFinite)).toBe(true);
  }
  expect(changes).toBeGreaterThan(15);
});
