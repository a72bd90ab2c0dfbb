/** Batch norms given back, folded again, and measured anew. */

import { afterEach, expect, test } from '@jest/globals';
import type { Batch, BatchSource } from '../../lib/data/batch.js';
import { loadEngine } from '../../lib/engine/engine.js';
import { encodeOnnx, readOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { validateGraph } from '../../lib/graph/validate.js';
import { foldBatchNorm } from '../../lib/surgery/fold-batch-norm.js';
import { recalibrate } from '../../lib/train/recalibrate.js';
import { isFolded, unfoldBatchNorm } from '../../lib/train/unfold.js';
import { FAMILIES, vgg16 } from '../models/families.js';
import { randomInput, relativeError, runModel } from '../models/runtime.js';
import { testWith } from '../shared-data.js';
import { textureNetwork, textures } from './problem.js';

const engine = await loadEngine();
const before = engine.tf.memory().numTensors;
afterEach(() => expect(engine.tf.memory().numTensors).toBe(before));

/** Random images in NCHW. */
function noise(channels: number, size: number, samples = 8): BatchSource {
  return {
    samples,
    batchSize: 4,
    async *batches(): AsyncGenerator<Batch> {
      for (let batch = 0; batch < samples / 4; batch++) {
        const shape = [4, channels, size, size];
        yield { inputs: randomInput(shape, batch), shape, layout: 'plain', labels: new Int32Array(4) };
      }
    },
  };
}

async function expectSameFunction(actual: Graph, expected: Graph, dims: number[], tolerance = 1e-4): Promise<void> {
  const name = expected.inputs[0]?.name ?? '';
  const inputs = { [name]: { dims, data: randomInput(dims, 99) } };
  const [a] = Object.values(await runModel(encodeOnnx(actual), { inputs }));
  const [e] = Object.values(await runModel(encodeOnnx(expected), { inputs }));
  expect(relativeError(a?.data ?? new Float32Array(), e?.data ?? new Float32Array())).toBeLessThan(tolerance);
}

const count = (graph: Graph, op: string) => graph.nodes.filter((node) => node.op === op).length;

/** All names of a graph, in order. */
const names = (graph: Graph) => ({
  nodes: graph.nodes.map(({ name, outputs }) => [name, ...outputs]),
  initializers: [...graph.initializers.keys()].sort(),
});

async function expectRoundTrip(graph: Graph, size: number): Promise<void> {
  expect(isFolded(graph)).toBe(true);
  const unfolded = await unfoldBatchNorm(engine, graph, noise(3, size));
  validateGraph(unfolded);
  // Every convolution but the classifier's, where that is one.
  expect(count(unfolded, 'BatchNormalization')).toBeGreaterThanOrEqual(count(graph, 'Conv') - 1);
  const dims = [2, 3, size, size];
  await expectSameFunction(unfolded, graph, dims);
  const folded = foldBatchNorm(unfolded);
  validateGraph(folded);
  expect(names(folded)).toEqual(names(graph));
  await expectSameFunction(folded, graph, dims);
  expect(isFolded(unfolded)).toBe(false);
  expect(await unfoldBatchNorm(engine, unfolded, noise(3, size))).toBe(unfolded);
}

testWith('models/mobilenet_v1_0.25_128.onnx', 'a published MobileNet unfolds and folds to itself', async (path) =>
  expectRoundTrip(await readOnnx(path), 128),
);

testWith('models/mobilenet_v2_1.0_224.onnx', 'linear bottlenecks and residuals unfold too', async (path) => {
  if (engine.backend !== 'tensorflow') return;
  const graph = await readOnnx(path);
  const [input] = graph.inputs;
  if (input) await expectRoundTrip({ ...graph, inputs: [{ ...input, dims: ['N', 3, 64, 64] }] }, 64);
});

test('networks that never had batch norms get them', () =>
  expectRoundTrip(vgg16({ width: 0.0625, size: 32, classes: 10, seed: 1, hidden: 16 }), 32));

test('a batch norm in training starts from the statistics of the data', async () => {
  const source = textures(64, 32, 1);
  const unfolded = await unfoldBatchNorm(engine, textureNetwork({ batchNorm: false }), source);
  const measured = await recalibrate(engine, unfolded, source, 2);
  for (const node of unfolded.nodes.filter(({ op }) => op === 'BatchNormalization'))
    for (const position of [3, 4]) {
      const name = node.inputs[position] ?? '';
      const [a, e] = [measured, unfolded].map(({ initializers }) => initializers.get(name)?.data as Float32Array);
      // Not equal: variances within a batch leave out what differs between batches.
      expect(relativeError(a ?? new Float32Array(), e ?? new Float32Array())).toBeLessThan(0.05);
    }
});

for (const [name, family] of Object.entries(FAMILIES)) {
  const graph = family({ width: 0.125, size: 64, classes: 10, seed: 4 });
  if (count(graph, 'BatchNormalization') > 0)
    test(`${name} folds to the same function`, async () => {
      const folded = foldBatchNorm(graph);
      validateGraph(folded);
      // Pre-activation batch norms (DenseNet) follow a Concat or a pool: those cannot be folded into a convolution.
      expect(count(folded, 'BatchNormalization')).toBeLessThan(count(graph, 'BatchNormalization'));
      await expectSameFunction(folded, graph, [2, 3, 64, 64]);
    });
}

test('a batch norm whose convolution others read stays', () => {
  const graph = textureNetwork();
  const conv = graph.nodes[0]?.outputs[0] ?? '';
  const shown: Graph = { ...graph, outputs: [...graph.outputs, { name: conv, dtype: 'float32', dims: undefined }] };
  expect(count(foldBatchNorm(graph), 'BatchNormalization')).toBe(0);
  expect(count(foldBatchNorm(shown), 'BatchNormalization')).toBe(1);
});

test('recalibration takes the mean over batches, and measures each layer behind the normalised one before', async () => {
  const graph = textureNetwork();
  const source = textures(64, 32, 3);
  const measured = await recalibrate(engine, graph, source, 2);
  const first = graph.nodes.find(({ op }) => op === 'BatchNormalization');
  const mean = await expectedMeans(graph, first?.inputs[0] ?? '', source);
  const statistics = measured.initializers.get(first?.inputs[3] ?? '')?.data as Float32Array;
  expect(relativeError(statistics, Float32Array.from(mean))).toBeLessThan(1e-4);
  // The same measurement once more changes nothing: it does not depend on the statistics before.
  expect(await recalibrate(engine, measured, source, 2)).toEqual(measured);
  const folded = foldBatchNorm(graph);
  expect(await recalibrate(engine, folded, source, 2)).toBe(folded);
  // A single sample does not vary.
  expect(await recalibrate(engine, graph, textures(3, 1, 3), 2)).toBe(graph);
});

/** Mean of each channel of a value over all batches, from ONNX Runtime. */
async function expectedMeans(graph: Graph, value: string, source: BatchSource): Promise<number[]> {
  const shown: Graph = { ...graph, outputs: [{ name: value, dtype: 'float32', dims: undefined }] };
  const sums: number[] = [];
  let n = 0;
  for await (const batch of source.batches(0)) {
    const dims = [batch.labels.length, 1, 8, 8];
    const result = await runModel(encodeOnnx(shown), { inputs: { input: { dims, data: batch.inputs } } });
    const { dims: shape, data } = result[value] ?? { dims: [0, 0], data: new Float32Array() };
    const [, channels = 1] = shape;
    data.forEach((x, index) => {
      const channel = Math.floor(index / 64) % channels;
      sums[channel] = (sums[channel] ?? 0) + x;
    });
    n += data.length / channels;
  }
  return sums.map((sum) => sum / n);
}
