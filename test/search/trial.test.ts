import { afterEach, expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import { loadEngine } from '../../lib/engine/engine.js';
import type { Graph } from '../../lib/graph/graph.js';
import { float32, float32Data } from '../../lib/graph/tensor.js';
import { tailOf } from '../../lib/search/cut.js';
import { featuresAt } from '../../lib/search/features.js';
import { taughtBy } from '../../lib/search/lessons.js';
import { searchableOf } from '../../lib/search/searchable.js';
import { runTrial } from '../../lib/search/trial.js';
import { train } from '../../lib/train/train.js';
import { temporaryFolder } from '../data/folders.js';
import { graphBuilder } from '../models/builder.js';
import { CLASSES, mislabelled, textures } from '../train/problem.js';

const engine = await loadEngine();
afterEach(() => expect(engine.tf.memory().numTensors).toBe(0));

const data = { train: textures(96, 32, 1), validation: textures(48, 24, 2) };

function network(second: number): Graph {
  const b = graphBuilder('stripes', { seed: 9 });
  let x = b.relu(b.conv(b.input([1, 8, 8]), 8, { pad: 1, name: 'first' }));
  x = b.relu(b.conv(x, second, { kernel: 3, stride: 2, pad: 1, name: 'second' }));
  x = b.relu(b.conv(x, 16, { kernel: 1, name: 'third' }));
  return b.build(b.gemm(b.flatten(b.globalAveragePool(x)), CLASSES, { name: 'fc' }));
}

function weights(graph: Graph, name: string): Float32Array {
  const tensor = graph.initializers.get(name);
  if (!tensor) throw new Error(`There is no ${name}.`);
  return float32Data(tensor, name);
}

/** The same function with 16 channels of the second convolution in place of 8: each comes once more at half its size. */
function redundant(narrow: Graph): Graph {
  const wide = network(16);
  const initializers = new Map(wide.initializers);
  for (const [name, { dims }] of wide.initializers) {
    const values = weights(narrow, name);
    const second = name.startsWith('second');
    // The third convolution reads half of its input from the whole channel, half from the halved one.
    const third = Float32Array.from({ length: 2 * values.length }, (_, at) => {
      const [out, input] = [Math.floor(at / 16), at % 16];
      return (values[out * 8 + (input % 8)] ?? 0) * (input < 8 ? 0.5 : 1);
    });
    const doubled = Float32Array.from([...values, ...values.map((value) => value / 2)]);
    initializers.set(name, float32(dims, second ? doubled : name === 'third.weight' ? third : values));
  }
  return { ...wide, initializers };
}

test('a trial with fewer channels begins with what reads them solved anew on the features', async () => {
  const narrow = await train(engine, network(8), data, { epochs: 10, learningRate: 0.05 });
  const graph = redundant(narrow.graph);
  const cut = graph.nodes.find(({ name }) => name === 'second')?.inputs[0] ?? '';
  const features = await featuresAt(graph, cut, data, { views: 1, seed: 1, folder: await temporaryFolder() });
  const searchable = searchableOf(graph);
  const configuration = { 'second:width': 0.5 };
  const job = { trial: 1, depth: 2, cut, configuration, seed: 0, others: [] };
  const training = { epochs: 1, learningRate: 1e-9 };
  const { record, tail } = await runTrial(engine, searchable, features, { training, stop: 'none' }, job);
  features.close();
  expect(record.parameters).toBe(costOf(network(8)).parameters);
  const wanted = weights(narrow.graph, 'third.weight');
  const found = tail ? weights(tail, 'third.weight') : wanted.map(() => 0);
  // Without the repair they would be half of that.
  const squares = (of: Float32Array) => of.reduce((sum, value) => sum + value * value, 0);
  const error = squares(found.map((value, at) => value - (wanted[at] ?? 0))) / squares(wanted);
  expect(Math.sqrt(error)).toBeLessThan(0.05);
});

test('a trial learns from the network as it came, where it is asked to', async () => {
  const { graph } = await train(engine, network(8), data, { epochs: 10, learningRate: 0.05 });
  const cut = graph.nodes.find(({ name }) => name === 'second')?.inputs[0] ?? '';
  const wrong = { train: mislabelled(data.train), validation: data.validation };
  const features = await featuresAt(graph, cut, wrong, { views: 1, seed: 1, folder: await temporaryFolder() });
  const job = { trial: 1, depth: 2, cut, configuration: { 'third:width': 0.5 }, seed: 0, others: [] };
  const accuracyWith = async (distill: number, searchable = searchableOf(graph), size = {}) => {
    const training = { epochs: 6, learningRate: 0.02, distill };
    const sized = { ...job, configuration: { ...job.configuration, ...size } };
    return (await runTrial(engine, searchable, features, { training, stop: 'none' }, sized)).record.accuracy;
  };
  // It knows the classes, of which the labels say nothing true.
  expect(await accuracyWith(1)).toBeGreaterThan(0.8);
  expect(await accuracyWith(0)).toBeLessThan(0.5);
  // Its own size may be among those that are searched; on images of another one it teaches nothing.
  const sizes = searchableOf(graph, { imageSizes: [8, 4] });
  expect(await accuracyWith(1, sizes, { 'network:image-size': 8 })).toBeGreaterThan(0.8);
  expect(await accuracyWith(1, sizes, { 'network:image-size': 4 })).toBeLessThan(0.5);
  features.close();
});

test('the lessons of the first trial serve the later ones, to the same end', async () => {
  const { graph } = await train(engine, network(8), data, { epochs: 4, learningRate: 0.05 });
  const cut = graph.nodes.find(({ name }) => name === 'second')?.inputs[0] ?? '';
  const folder = await temporaryFolder();
  const options = { views: 2, seed: 1, folder };
  const searchable = searchableOf(graph);
  const training = { epochs: 3, learningRate: 0.02, distill: 0.7, labelSmoothing: 0.1 };
  const results = async (configurations: object[], features: Awaited<ReturnType<typeof featuresAt>>) => {
    const records: (readonly number[])[] = [];
    for (const [trial, configuration] of configurations.entries()) {
      const job = { trial, depth: 2, cut, configuration: { ...configuration }, seed: 5, others: [] };
      const { record, tail } = await runTrial(engine, searchable, features, { training, stop: 'none' }, job);
      records.push([...record.curve, record.loss ?? 0, ...(tail ? weights(tail, 'fc.weight') : [])]);
    }
    features.close();
    return records;
  };
  const [half, most] = [{ 'third:width': 0.5 }, { 'third:width': 0.75 }];
  const together = await results([half, most, half], await featuresAt(graph, cut, data, options));
  const alone = await results([most], await featuresAt(graph, cut, data, options));
  expect(together[0]).toEqual(together[2]);
  expect(together[1]).toEqual(alone[0]);
  // As a training that asks its teacher at every step.
  const features = await featuresAt(graph, cut, data, options);
  const teacher = tailOf(graph, cut);
  const taught = taughtBy(engine, features.train, teacher, graph, cut);
  const asked = { epochs: 3, learningRate: 0.02, distillation: { teacher, weight: 0.7 } };
  const outcomes: Float32Array[] = [];
  for (const source of [features.train, taught.source, taught.source])
    outcomes.push(weights((await train(engine, teacher, { ...features, train: source }, asked)).graph, 'fc.weight'));
  taught.dispose();
  // Without room for an epoch the training asks the teacher itself.
  const crowded = taughtBy(engine, { ...features.train }, teacher, graph, cut, 100);
  const told: boolean[] = [];
  for await (const { logitsOfTeacher } of crowded.source.batches(0)) told.push(logitsOfTeacher !== undefined);
  expect(told.length).toBeGreaterThan(1);
  expect(told.slice(1)).not.toContain(true);
  outcomes.push(
    weights((await train(engine, teacher, { ...features, train: crowded.source }, asked)).graph, 'fc.weight'),
  );
  crowded.dispose();
  features.close();
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[3]).toEqual(outcomes[0]);
  expect(outcomes[2]).toEqual(outcomes[0]);
});
