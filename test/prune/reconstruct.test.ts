import { describe, expect, test } from '@jest/globals';
import { solve as linearSolve, Matrix } from 'ml-matrix';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { inferShapes, shapedNode } from '../../lib/analyze/shapes.js';
import type { Batch } from '../../lib/data/batch.js';
import { loadEngine } from '../../lib/engine/engine.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { float32, float32Data, int64, type Tensor } from '../../lib/graph/tensor.js';
import { operatorOf } from '../../lib/ops/registry.js';
import { consumersOfCut, fromMatrix, toMatrix } from '../../lib/prune/consumers.js';
import { inputRows, outputRows, samplePositions, type Volume } from '../../lib/prune/patches.js';
import { reconstruct } from '../../lib/prune/reconstruct.js';
import { ridgeRegression, type Samples } from '../../lib/prune/regression.js';
import { type Removal, removeChannels } from '../../lib/surgery/remove.js';
import { graphBuilder, type Value } from '../models/builder.js';
import { randomInput, relativeError, runModel } from '../models/runtime.js';
import { expectClose, figures, sourceOf, withWeights } from './figures.js';

const engine = await loadEngine();

describe('rows of patches times the weight equal the convolution of ONNX Runtime', () => {
  const random = randomGenerator('patches');
  const pick = <T>(...values: [T, ...T[]]): T => values[random.int(values.length)] ?? values[0];
  const cases = Array.from({ length: 24 }, (_, number) => ({
    number,
    kernel: [1 + random.int(4), 1 + random.int(4)],
    strides: [1 + random.int(3), 1 + random.int(3)],
    dilations: [1 + random.int(2), 1 + random.int(2)],
    pads: Array.from({ length: 4 }, () => random.int(3)),
    autoPad: pick(undefined, undefined, 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
    bias: random.next() < 0.5,
  }));

  test.each(cases)('$number: $kernel / $strides, dilations $dilations, pads $pads, $autoPad', async (given) => {
    const { kernel, strides, dilations, pads, autoPad, bias } = given;
    const size = [9, 11];
    const b = graphBuilder('one conv', { seed: given.number });
    const weight = b.parameter('weight', [5, 3, ...kernel], { deviation: 0.5 });
    const x = b.input([3, ...size]);
    const inputs = bias ? [x, weight, b.parameter('bias', [5], { deviation: 1 })] : [x, weight];
    // SAME is not defined with dilations.
    const wide = autoPad ? { dilations: [1, 1], auto_pad: autoPad } : { dilations, pads };
    const graph = b.build(b.node('Conv', inputs, { strides, ...wide }, { channels: 5 }));
    const input: Volume = { data: randomInput([2, 3, 9, 11], 1), dims: [2, 3, 9, 11] };
    const [output] = Object.values(await runModel(encodeOnnx(graph), { inputs: { input } }));
    const [n = 0, c = 0, h = 0, w = 0] = output?.dims ?? [];
    const made: Volume = { data: output?.data ?? new Float32Array(), dims: [n, c, h, w] };

    const [node] = graph.nodes;
    if (!node) throw new Error('there is no node');
    const layer = operatorOf(node)?.linear?.(shapedNode(graph, node, inferShapes(graph).types));
    const tensor = graph.initializers.get(weight);
    if (!layer || tensor?.dtype !== 'float32') throw new Error('the convolution is no linear layer');
    const { matrix, unknowns, outputs } = toMatrix(tensor, layer);
    const at = samplePositions(h * w, 7, randomGenerator(given.number));
    expect(at.length).toBe(Math.min(7, h * w));
    expect(new Set(at).size).toBe(at.length);
    const rows = inputRows(input, layer, w, at);
    const channels = Int32Array.of(0, 3, 4);
    const biases = layer.bias === undefined ? undefined : graph.initializers.get(node.inputs[layer.bias] ?? '');
    const wanted = outputRows(made, channels, at, biases ? float32Data(biases, 'bias') : undefined);
    const product = Float32Array.from({ length: (rows.length / unknowns) * 3 }, (_, index) => {
      const [row, channel] = [Math.floor(index / 3), channels[index % 3] ?? 0];
      let sum = 0;
      for (let i = 0; i < unknowns; i++) sum += (rows[row * unknowns + i] ?? 0) * (matrix[i * outputs + channel] ?? 0);
      return sum;
    });
    expectClose(product, wanted, 1e-5);
    expect(fromMatrix(matrix, outputs, layer)).toEqual(tensor.data);
  });
});

function plainBatches(dims: readonly number[], count: number, samples = 32): Batch[] {
  return Array.from({ length: count }, (_, seed) => ({
    inputs: randomInput([samples, ...dims], 100 + seed),
    shape: [samples, ...dims],
    layout: 'plain' as const,
    labels: new Int32Array(samples),
  }));
}

test('the repaired weight is that of ridge regression in scikit-learn', async () => {
  const { first, bias, second, inputs, kept, solved } = figures.regression;
  const b = graphBuilder('dense');
  const hidden = b.relu(b.gemm(b.input([5]), 6, { name: 'first' }));
  const graph = withWeights(b.build(b.gemm(hidden, 4, { name: 'second' })), [
    ['first.weight', float32([6, 5], Float32Array.from(first))],
    ['first.bias', float32([6], Float32Array.from(bias))],
    ['second.weight', float32([4, 6], Float32Array.from(second))],
  ]);
  const cut = await removeChannels(graph, new Map([['first.weight', { channels: [1, 4] }]]));
  expect([...(cut.kept.get('1:second.weight') ?? [])]).toEqual(kept);
  const batch = { inputs: Float32Array.from(inputs), shape: [40, 5], layout: 'plain' as const };
  const source = sourceOf([{ ...batch, labels: new Int32Array(40) }]);
  const repaired = await reconstruct(engine, graph, cut, source, undefined);
  expectClose(float32Data(repaired.initializers.get('second.weight') as Tensor, 'second'), solved, 1e-5);
  // Bias, and what makes the channels, stay as they were.
  for (const name of ['first.weight', 'first.bias', 'second.bias'])
    expect(repaired.initializers.get(name)).toEqual(cut.graph.initializers.get(name));
});

/** Replaces rows of a weight, and of what belongs to it, by sums of others. */
function redundant(graph: Graph, names: readonly string[], sums: readonly [number, Map<number, number>][]): Graph {
  return withWeights(
    graph,
    names.map((name): [string, Tensor] => {
      const tensor = graph.initializers.get(name);
      if (!tensor) throw new Error(`${name} is missing.`);
      const data = Float32Array.from(float32Data(tensor, name));
      const inner = data.length / (tensor.dims[0] ?? 1);
      for (const [row, parts] of sums)
        for (let i = 0; i < inner; i++)
          data[row * inner + i] = [...parts].reduce((s, [other, by]) => s + by * (data[other * inner + i] ?? 0), 0);
      return [name, float32(tensor.dims, data)];
    }),
  );
}

async function errorAfter(graph: Graph, repaired: Graph, dims: readonly number[]): Promise<number> {
  const inputs = { input: { dims: [16, ...dims], data: randomInput([16, ...dims], 7) } };
  const [before, after] = await Promise.all([graph, repaired].map((model) => runModel(encodeOnnx(model), { inputs })));
  const [[name, { data }] = fail()] = Object.entries(before ?? {});
  return relativeError(after?.[name]?.data ?? new Float32Array(), data);
}

function fail(): never {
  throw new Error('there is no output');
}

// What is left is the pull towards the kept weights, a thousandth of the inputs' mean square.
describe('channels that are sums of others leave no trace', () => {
  const SIZE = [3, 10, 10];
  const sums: [number, Map<number, number>][] = [
    [
      1,
      new Map([
        [0, 0.5],
        [2, -1],
      ]),
    ],
    [
      6,
      new Map([
        [3, 1],
        [4, 0.7],
        [5, -0.4],
      ]),
    ],
  ];

  /** Linear from the first convolution to its readers, so that the sums hold there. */
  const networks: Record<string, () => Graph> = {
    'strided convolution': () => {
      const b = graphBuilder('strided', { seed: 2 });
      const x = b.conv(b.input(SIZE), 8, { name: 'first', pad: 1 });
      return b.build(b.relu(b.conv(x, 6, { name: 'reader', stride: 2, pad: [0, 1, 2, 1] })));
    },
    'two readers and a dense layer behind a pool': () => {
      const b = graphBuilder('readers', { seed: 3 });
      const x = b.conv(b.input(SIZE), 8, { name: 'first', pad: 1 });
      const sum = b.add(b.conv(x, 6, { pad: 1, dilation: 1 }), b.conv(x, 6, { kernel: 1, bias: false }));
      const dense = b.gemm(b.flatten(b.averagePool(x, { kernel: 5 }), 4), 4);
      return b.build(b.node('Concat', [b.flatten(b.globalAveragePool(b.relu(sum))), dense], { axis: 1 }));
    },
    'shapes that are computed': () => {
      const b = graphBuilder('computed', { seed: 4 });
      const x = b.conv(b.input(SIZE), 8, { name: 'first', pad: 1 });
      const shape = b.node('Shape', [x]);
      const batch = b.node('Gather', [shape, b.constant('zero', int64([1], [0]))], { axis: 0 });
      const target = b.node('Concat', [batch, b.constant('rest', int64([1], [-1]))], { axis: 0 });
      const y = b.averagePool(b.relu(b.conv(x, 6, { pad: 1, name: 'second' })), { kernel: 5 });
      const flat: Value = { ...b.node('Reshape', [y, target]), channels: 24 };
      return b.build(b.gemm(flat, 4));
    },
  };

  test.each(Object.entries(networks))('%s', async (_, build) => {
    const graph = redundant(build(), ['first.weight', 'first.bias'], sums);
    const dependencies = dependencyGroups(graph);
    const removals = new Map<string, Removal>([['first.weight', { channels: [1, 6] }]]);
    const cut = await removeChannels(graph, removals, dependencies);
    const source = sourceOf(plainBatches(SIZE, 3));
    const before = engine.tf.memory().numTensors;
    const repaired = await reconstruct(engine, graph, cut, source, undefined);
    expect(engine.tf.memory().numTensors).toBe(before);
    expect(await errorAfter(graph, cut.graph, SIZE)).toBeGreaterThan(0.05);
    expect(await errorAfter(graph, repaired, SIZE)).toBeLessThan(1.5e-3);
  });
});

test('a later layer makes good what an earlier one left: each is solved on what it reads by then', async () => {
  const size = [3, 12, 12];
  const b = graphBuilder('deep', { seed: 8 });
  let x = b.input(size);
  for (let layer = 0; layer < 4; layer++) x = b.relu(b.conv(x, 16, { pad: 1, name: `conv${layer}`, bias: true }));
  const graph = b.build(b.gemm(b.flatten(b.globalAveragePool(x)), 5));
  const dependencies = dependencyGroups(graph);
  const removals = new Map<string, Removal>(dependencies.groups.map(({ id }) => [id, { channels: [0, 3, 5, 9, 12] }]));
  const cut = await removeChannels(graph, removals, dependencies);
  expect(consumersOfCut(graph, cut.kept).map(({ weight }) => weight)).toHaveLength(4);
  const source = sourceOf(plainBatches(size, 2));
  const repaired = await reconstruct(engine, graph, cut, source, undefined);
  expect(await reconstruct(engine, graph, cut, source, undefined)).toEqual(repaired);
  const [without, withIt] = [await errorAfter(graph, cut.graph, size), await errorAfter(graph, repaired, size)];
  expect(withIt).toBeLessThan(0.5 * without);
});

test('a layer that reads nothing but zeros keeps its weights', async () => {
  const size = [2, 6, 6];
  const b = graphBuilder('dead', { seed: 5 });
  const dead = b.relu(b.conv(b.input(size), 4, { name: 'first' }));
  const read = b.conv(dead, 4, { name: 'reader', kernel: 1 });
  const built = b.build(b.flatten(b.globalAveragePool(read)));
  const graph = withWeights(built, [['first.bias', float32([4], [-1e3, -1e3, -1e3, -1e3])]]);
  const cut = await removeChannels(graph, new Map([['first.weight', { channels: [2] }]]));
  const repaired = await reconstruct(engine, graph, cut, sourceOf(plainBatches(size, 1)), undefined);
  expect(repaired.initializers.get('reader.weight')).toEqual(cut.graph.initializers.get('reader.weight'));
});

test('few samples of many inputs, with an equation for each sample, give what the normal equations of ml-matrix give', async () => {
  const [unknowns, outputs, count] = [40, 3, 12];
  const random = randomGenerator('dual');
  const normal = (length: number) => Float32Array.from({ length }, () => random.normal());
  const [x, y, prior] = [normal(count * unknowns), normal(count * outputs), normal(unknowns * outputs)];
  const halves: Samples[] = [0, 1].map((half) => ({
    x: x.subarray((half * x.length) / 2, ((half + 1) * x.length) / 2),
    y: y.subarray((half * y.length) / 2, ((half + 1) * y.length) / 2),
  }));
  const problem = { unknowns, outputs, prior, count };
  const before = engine.tf.memory().numTensors;
  const solution = await ridgeRegression(engine.tf, problem, halves, undefined);
  expect(engine.tf.memory().numTensors).toBe(before);
  const matrix = (data: Float32Array, columns: number) =>
    Matrix.from1DArray(data.length / columns, columns, Array.from(data));
  const X = matrix(x, unknowns);
  const ridge = (1e-3 * x.reduce((sum, value) => sum + value * value, 0)) / unknowns;
  const left = X.transpose().mmul(X).add(Matrix.eye(unknowns).mul(ridge));
  const right = X.transpose().mmul(matrix(y, outputs)).add(matrix(prior, outputs).mul(ridge));
  expectClose(solution ?? [], linearSolve(left, right).to1DArray(), 1e-5);
});

test('what is too large either way is left alone', async () => {
  const problem = { unknowns: 9000, outputs: 1, prior: new Float32Array(9000), count: 9000 };
  expect(await ridgeRegression(engine.tf, problem, [], undefined)).toBeUndefined();
});

test('a dense layer of more inputs than could be solved for is repaired on the few images that there are', async () => {
  const size = [2, 16, 16];
  const b = graphBuilder('wide', { seed: 6 });
  const x = b.relu(b.conv(b.input(size), 48, { name: 'first' }));
  const graph = b.build(b.gemm(b.relu(b.gemm(b.flatten(x, 196), 6, { name: 'wide' })), 3, { name: 'out' }));
  const removals = new Map<string, Removal>([['first.weight', { channels: [5, 6, 7, 8] }]]);
  const cut = await removeChannels(graph, removals);
  const source = sourceOf(plainBatches(size, 4));
  const repaired = await reconstruct(engine, graph, cut, source, undefined);
  expect(await errorAfter(graph, repaired, size)).toBeLessThan(0.9 * (await errorAfter(graph, cut.graph, size)));
});

test('weights that two nodes share, and those of grouped convolutions, are not solved', async () => {
  const b = graphBuilder('shared', { seed: 7 });
  const x = b.relu(b.conv(b.input([2, 6, 6]), 8, { name: 'first' }));
  const shared = b.parameter('shared', [4, 8, 1, 1]);
  const sum = b.add(
    b.node('Conv', [x, shared], {}, { channels: 4 }),
    b.node('Conv', [b.sigmoid(x), shared], {}, { channels: 4 }),
  );
  const grouped = b.conv(x, 8, { name: 'grouped', groups: 8, kernel: 1 });
  const alone = b.conv(grouped, 4, { name: 'alone', kernel: 1 });
  const graph = b.build(b.flatten(b.globalAveragePool(b.add(sum, alone))));
  const cut = await removeChannels(graph, new Map([['first.weight', { channels: [2] }]]));
  expect(consumersOfCut(graph, cut.kept).map(({ weight }) => weight)).toEqual(['alone.weight']);
});

test('an interruption ends the repair', async () => {
  const { signal } = (() => {
    const controller = new AbortController();
    controller.abort();
    return controller;
  })();
  const graph = graphBuilder('tiny');
  const x = graph.conv(graph.input([1, 4, 4]), 2, { name: 'first' });
  const built = graph.build(graph.gemm(graph.flatten(graph.globalAveragePool(x)), 2));
  const cut = await removeChannels(built, new Map([['first.weight', { channels: [0] }]]));
  await expect(reconstruct(engine, built, cut, sourceOf(plainBatches([1, 4, 4], 1)), signal)).rejects.toThrow();
});
