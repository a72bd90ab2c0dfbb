import { expect, test } from '@jest/globals';
import { Matrix, solve } from 'ml-matrix';
import { loadEngine } from '../../lib/engine/engine.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { float32, numbersOf } from '../../lib/graph/tensor.js';
import { warmStart } from '../../lib/search/warm-start.js';
import { evaluate } from '../../lib/train/evaluate.js';
import { train } from '../../lib/train/train.js';
import { runModel } from '../models/runtime.js';
import { CLASSES, textureNetwork, textures } from '../train/problem.js';

const engine = await loadEngine();
const SAMPLES = 96;
const data = textures(SAMPLES, 32, 1);

function weight(graph: Graph, name: string): number[] {
  const tensor = graph.initializers.get(name);
  if (!tensor) throw new Error(`There is no ${name}.`);
  return [...numbersOf(tensor)];
}

/** What the classifier reads of all images in ONNX Runtime, each row with a one behind it, and their labels. */
async function readings(graph: Graph): Promise<{ x: number[][]; labels: number[] }> {
  const classifier = graph.nodes.find(({ outputs }) => outputs[0] === graph.outputs[0]?.name);
  const features = classifier?.inputs[0] ?? '';
  const shorter = { ...graph, outputs: [{ name: features, dtype: 'float32' as const, dims: ['N', 16] }] };
  const nodes = shorter.nodes.filter((node) => node !== classifier);
  const x: number[][] = [];
  const labels: number[] = [];
  for await (const batch of data.batches(0)) {
    const input = { dims: [batch.labels.length, 1, 8, 8], data: batch.inputs };
    const inputs = { [graph.inputs[0]?.name ?? '']: input };
    const { [features]: output } = await runModel(encodeOnnx({ ...shorter, nodes }), { inputs });
    batch.labels.forEach((label, row) => {
      x.push([...(output?.data.subarray(16 * row, 16 * row + 16) ?? []), 1]);
      labels.push(label);
    });
  }
  return { x, labels };
}

test('a classifier at random becomes the ridge regression towards the classes', async () => {
  const graph = textureNetwork({ batchNorm: false });
  const before = await evaluate(engine, graph, data);
  const warm = await warmStart(engine, graph, data);
  const after = await evaluate(engine, warm, data);
  expect(after.loss).toBeLessThan(before.loss);
  expect(after.accuracy).toBeGreaterThan(before.accuracy);

  const { x, labels } = await readings(graph);
  const X = new Matrix(x);
  const Y = new Matrix(
    labels.map((label) => [...Array(CLASSES).keys()].map((each) => (each === label ? 5 : 0) - 5 / 3)),
  );
  const ridge = (0.1 * x.flat().reduce((sum, value) => sum + value * value, 0)) / 17;
  const W = solve(X.transpose().mmul(X).add(Matrix.eye(17).mul(ridge)), X.transpose().mmul(Y));
  const expected = [...Array(CLASSES).keys()].flatMap((each) => W.getColumn(each).slice(0, 16));
  weight(warm, 'fc.weight').forEach((value, index) => {
    expect(value).toBeCloseTo(expected[index] ?? 0, 3);
  });
  weight(warm, 'fc.bias').forEach((value, each) => {
    expect(value).toBeCloseTo(W.get(16, each), 3);
  });
});

test('batch norms are measured, and a classifier that does better stays', async () => {
  const { graph } = await train(
    engine,
    textureNetwork(),
    { train: data, validation: data },
    {
      epochs: 12,
      learningRate: 0.05,
    },
  );
  const trained = await evaluate(engine, graph, data);
  expect(trained.accuracy).toBeGreaterThan(0.95);
  const stale = new Map(graph.initializers);
  // Surer of itself than the regression aims to be.
  for (const name of ['fc.weight', 'fc.bias'])
    stale.set(
      name,
      float32(
        graph.initializers.get(name)?.dims ?? [],
        Float32Array.from(weight(graph, name), (value) => 8 * value),
      ),
    );
  for (const [name, tensor] of stale)
    if (name.endsWith('running_var') || name.endsWith('.variance'))
      stale.set(
        name,
        float32(
          tensor.dims,
          Float32Array.from(numbersOf(tensor), (value) => 9 * value),
        ),
      );
  const warm = await warmStart(engine, { ...graph, initializers: stale }, data);
  expect((await evaluate(engine, warm, data)).accuracy).toBeGreaterThan(0.95);
  expect(warm.initializers.get('fc.weight')?.data).toEqual(stale.get('fc.weight')?.data);
  const changed = [...stale].filter(
    ([name, { data }]) => warm.initializers.get(name)?.data !== data && name.includes('running'),
  );
  expect(changed.length).toBeGreaterThan(0);
});

test('the same twice', async () => {
  const [one, other] = [
    await warmStart(engine, textureNetwork(), data),
    await warmStart(engine, textureNetwork(), data),
  ];
  expect(weight(one, 'fc.weight')).toEqual(weight(other, 'fc.weight'));
});
