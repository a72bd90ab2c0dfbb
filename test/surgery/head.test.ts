import { expect, test } from '@jest/globals';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { encodeOnnx, readOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { int64 } from '../../lib/graph/tensor.js';
import { validateGraph } from '../../lib/graph/validate.js';
import { withHead } from '../../lib/surgery/head.js';
import { graphBuilder } from '../models/builder.js';
import { FAMILIES } from '../models/families.js';
import { randomInput, runModel } from '../models/runtime.js';
import { testWith } from '../shared-data.js';

const outputOf = (graph: Graph) => graph.outputs[0]?.name ?? '';

/** Runs in ONNX Runtime and gives the one output's dims. */
async function dimsOf(graph: Graph, dims: number[]): Promise<number[]> {
  validateGraph(graph);
  expect(graph.outputs).toHaveLength(1);
  const inputs = { [graph.inputs[0]?.name ?? '']: { dims, data: randomInput(dims, 1) } };
  const result = (await runModel(encodeOnnx(graph), { inputs }))[outputOf(graph)];
  expect([...(result?.dims ?? [])].slice(1)).toEqual(graph.outputs[0]?.dims?.slice(1));
  return [...(result?.dims ?? [])];
}

for (const [name, family] of Object.entries(FAMILIES))
  test(`${name}: the classifier is found and replaced, the rest stays`, async () => {
    const graph = family({ width: 0.125, size: 64, classes: 1000, seed: 1 });
    const { graph: replaced, action, initializers } = withHead(graph, 7, { seed: 1 });
    expect(action).toBe('replaced');
    expect(initializers.length).toBeGreaterThan(0);
    expect(await dimsOf(replaced, [2, 3, 64, 64])).toEqual([2, 7]);
    for (const [initializer, tensor] of graph.initializers)
      if (!initializers.includes(initializer) && tensor.dtype === 'float32')
        expect(replaced.initializers.get(initializer)).toBe(tensor);
    expect(replaced.nodes.map((node) => node.name)).toEqual(graph.nodes.map((node) => node.name));
  });

const published: [string, number, 'replaced' | 'added'][] = [
  ['mobilenet_v1_0.25_128', 128, 'replaced'],
  ['squeezenet1_0_deepcompression_227', 227, 'replaced'],
  ['resnet20_cifar10', 32, 'replaced'],
  ['mobilenet_v1_1.0_224_bn_features_block12', 224, 'added'],
  ['squeezenet1_1_features_224', 224, 'added'],
];
for (const [name, size, action] of published)
  testWith(`models/${name}.onnx`, `${name}: the head is ${action}`, async (path) => {
    const headed = withHead(await readOnnx(path), 25, { seed: 1 });
    expect(headed.action).toBe(action);
    expect(outputOf(headed.graph)).toBe('logits');
    expect(await dimsOf(headed.graph, [1, 3, size, size])).toEqual([1, 25]);
  });

/** Features and a classifier of 10 classes made by `classify`. */
function network(classify: (b: ReturnType<typeof graphBuilder>, x: { name: string; channels: number }) => typeof x) {
  const b = graphBuilder('headed', { seed: 1 });
  return b.build(classify(b, b.relu(b.conv(b.input([3, 8, 8]), 6, { pad: 1 }))));
}

test('a final softmax is taken off and told', async () => {
  for (const op of ['Softmax', 'LogSoftmax'] as const) {
    const graph = network((b, x) => b.node(op, [b.gemm(b.flatten(b.globalAveragePool(x)), 10)], { axis: -1 }));
    const kept = withHead(graph, 10, { seed: 1 });
    expect(kept).toMatchObject({ action: 'kept', softmax: op });
    expect(kept.graph.nodes.some((node) => node.op === op)).toBe(false);
    expect(outputOf(kept.graph)).toBe('logits');
    expect(await dimsOf(kept.graph, [2, 3, 8, 8])).toEqual([2, 10]);
    const replaced = withHead(graph, 10, { seed: 1, sameCount: 'replace' });
    expect(replaced.action).toBe('replaced');
    const name = replaced.initializers[0] ?? '';
    expect(replaced.graph.initializers.get(name)).not.toEqual(graph.initializers.get(name));
  }
});

test('a softmax behind which the scores are reshaped', async () => {
  const graph = network((b, x) => {
    const scores = b.node('Softmax', [b.conv(b.globalAveragePool(x), 10, { kernel: 1 })], { axis: 1 });
    return b.node('Reshape', [scores, b.constant('shape', int64([2], [-1, 10]))], {}, { channels: 10 });
  });
  const headed = withHead(graph, 4, { seed: 1 });
  expect(headed.softmax).toBe('Softmax');
  expect(await dimsOf(headed.graph, [2, 3, 8, 8])).toEqual([2, 4]);
});

test('MatMul with Add, Gemm without transposition', async () => {
  const matmul = network((b, x) => {
    const features = b.flatten(b.globalAveragePool(x));
    const weight = b.constant('w', { dtype: 'float32', dims: [6, 10], data: randomInput([6, 10], 1) });
    const bias = b.constant('b', { dtype: 'float32', dims: [10], data: randomInput([10], 2) });
    return b.node('Add', [b.node('MatMul', [features, weight], {}, { channels: 10 }), bias]);
  });
  const gemm = network((b, x) => {
    const weight = b.constant('w', { dtype: 'float32', dims: [6, 10], data: randomInput([6, 10], 1) });
    return b.node('Gemm', [b.flatten(b.globalAveragePool(x)), weight], {}, { channels: 10 });
  });
  for (const [graph, initializers] of [
    [matmul, ['w', 'b']],
    [gemm, ['w']],
  ] as const) {
    const headed = withHead(graph, 5, { seed: 1 });
    expect(headed).toMatchObject({ action: 'replaced', initializers });
    expect(await dimsOf(headed.graph, [2, 3, 8, 8])).toEqual([2, 5]);
  }
});

test('features of two and of four axes get a head', async () => {
  for (const graph of [network((_, x) => x), network((b, x) => b.flatten(b.globalAveragePool(x)))]) {
    const headed = withHead(graph, 3, { seed: 1 });
    expect(headed.action).toBe('added');
    expect(await dimsOf(headed.graph, [2, 3, 8, 8])).toEqual([2, 3]);
    expect(inferShapes(headed.graph).unknown).toEqual([]);
  }
});

test('the same seed gives the same weights; a bias begins at zero', () => {
  const graph = network((b, x) => b.gemm(b.flatten(b.globalAveragePool(x)), 10, { name: 'fc' }));
  const weights = (seed: number) => withHead(graph, 4, { seed }).graph.initializers.get('fc.weight');
  expect(weights(1)).toEqual(weights(1));
  expect(weights(1)).not.toEqual(weights(2));
  expect(withHead(graph, 4, { seed: 1 }).graph.initializers.get('fc.bias')?.data).toEqual(new Float32Array(4));
});

test('what cannot be a classifier is refused', () => {
  const graph = network((b, x) => b.node('Transpose', [x], { perm: [0, 2, 3, 1] }));
  expect(() => withHead({ ...graph, outputs: [] }, 3, { seed: 1 })).toThrow(/no output/);
  expect(() => withHead(graph, 1, { seed: 1 })).toThrow(/two classes/);
  const three = network((b, x) => b.node('Reshape', [x, b.constant('shape', int64([3], [0, 6, 64]))]));
  expect(() => withHead(three, 3, { seed: 1 })).toThrow(/\[N, features\]/);
});
