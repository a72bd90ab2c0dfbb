import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Batch, BatchSource } from '../../lib/data/batch.js';
import { loadEngine } from '../../lib/engine/engine.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { openJournal } from '../../lib/journal.js';
import { type FeatureLocation, openLocated } from '../../lib/search/feature-batches.js';
import { featuresAt } from '../../lib/search/features.js';
import { deepened, noiseOf, paretoFront, selectBest, type TrialRecord } from '../../lib/search/objective.js';
import { type SearchOptions, search } from '../../lib/search/search.js';
import { chosen, gained, leading, outcomeOf } from '../../lib/search/standing.js';
import { evaluate } from '../../lib/train/evaluate.js';
import { graphBuilder } from '../models/builder.js';
import { runModel } from '../models/runtime.js';
import { CLASSES, textures } from '../train/problem.js';

const engine = await loadEngine();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tascnet-search-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  expect(engine.tf.memory().numTensors).toBe(0);
});

/** Three convolutions; the last two are wide enough to be narrowed. */
function network(): Graph {
  const b = graphBuilder('stripes', { seed: 9 });
  let x = b.relu(b.conv(b.input([1, 8, 8]), 8, { pad: 1, name: 'first' }));
  x = b.relu(b.conv(x, 16, { kernel: 3, stride: 2, pad: 1, name: 'second' }));
  x = b.relu(b.conv(x, 32, { kernel: 1, name: 'third' }));
  return b.build(b.gemm(b.flatten(b.globalAveragePool(x)), CLASSES, { name: 'fc' }));
}

const data = { train: textures(48, 16, 1), validation: textures(48, 24, 2) };
const optionsOf = (more: Partial<SearchOptions> = {}): SearchOptions => ({
  trials: 3,
  epochs: 2,
  depth: 1,
  seed: 5,
  featureFolder: folder,
  training: { learningRate: 0.01 },
  ...more,
});

const plain = ({ seconds: _, ...record }: TrialRecord) => record;

async function inputsOf(source: BatchSource): Promise<{ data: Float32Array; dims: number[] }> {
  for await (const { inputs, shape } of source.batches(0)) {
    const [n = 0, height = 0, width = 0] = shape;
    return { data: inputs, dims: [n, 1, height, width] };
  }
  throw new Error('no batch');
}

test('features are what ONNX Runtime makes of the data, channels last, once', async () => {
  const b = graphBuilder('prefix', { seed: 1 });
  const prefix = b.relu(b.conv(b.input([1, 8, 8]), 8, { pad: 1, name: 'first' }));
  const graph = b.build(b.gemm(b.flatten(b.globalAveragePool(b.conv(prefix, 16, { name: 'next' }))), CLASSES));
  const options = { views: 2, seed: 1, folder };
  const features = await featuresAt(graph, prefix.name, data, options);
  expect(features.cached).toBe(false);
  const given = await inputsOf(data.validation);
  const middle = await runModel(
    encodeOnnx({ ...graph, outputs: [{ name: prefix.name, dtype: 'float32', dims: undefined }] }),
    {
      inputs: { input: given },
    },
  );
  const expected = middle[prefix.name]?.data ?? new Float32Array();
  for await (const { inputs, shape, layout } of features.validation.batches(0)) {
    expect(layout).toBe('channelsLast');
    expect(shape).toEqual([24, 8, 8, 8]);
    for (let sample = 0; sample < 24; sample++)
      for (let channel = 0; channel < 8; channel++)
        for (let position = 0; position < 64; position++)
          expect(inputs[(sample * 64 + position) * 8 + channel]).toBeCloseTo(
            expected[(sample * 8 + channel) * 64 + position] ?? Number.NaN,
            4,
          );
    break;
  }
  // Every label comes as often as in the data, in another order each epoch; views alternate.
  const orders: number[][] = [];
  for (const epoch of [0, 1, 2]) {
    const labels: number[] = [];
    for await (const batch of features.train.batches(epoch)) labels.push(...batch.labels);
    expect(labels.filter((label) => label === 0)).toHaveLength(16);
    orders.push(labels);
  }
  expect(orders[0]).not.toEqual(orders[2]);
  features.close();
  const again = await featuresAt(graph, prefix.name, data, options);
  expect(again.cached).toBe(true);
  again.close();
  const fewer = await featuresAt(graph, prefix.name, data, { ...options, views: 1 });
  expect(fewer.cached).toBe(false);
  fewer.close();
  // A cache that lost bytes is made again.
  for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.f32')))
    writeFileSync(join(folder, name), readFileSync(join(folder, name)).subarray(8));
  const mended = await featuresAt(graph, prefix.name, data, options);
  expect(mended.cached).toBe(false);
  mended.close();
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('where nothing is frozen the data are the features: as they are, or kept for other processes', async () => {
  const graph = network();
  const [input] = graph.inputs;
  const options = { views: 1, seed: 1, folder };
  const own = await featuresAt(graph, input?.name ?? '', data, options);
  expect(own).toMatchObject({ location: undefined, train: data.train });
  expect(readdirSync(folder)).toEqual([]);
  for (const dtype of ['float32', 'float16'] as const) {
    const shared = await featuresAt(graph, input?.name ?? '', data, { ...options, storage: { dtype }, shared: true });
    const there = openLocated(shared.location as FeatureLocation);
    const given: Batch[] = [];
    for await (const batch of data.validation.batches(0)) given.push(batch);
    for await (const { inputs, shape, layout, labels } of there.validation.batches(0)) {
      const batch = given.shift();
      expect({ shape, layout, labels }).toEqual({ shape: batch?.shape, layout: batch?.layout, labels: batch?.labels });
      inputs.forEach((value, index) => {
        const exact = batch?.inputs[index] ?? Number.NaN;
        const digits = dtype === 'float32' ? 0 : 2 ** -11;
        expect(Math.abs(value - exact)).toBeLessThanOrEqual(digits * Math.abs(exact) + 1e-7 * digits);
      });
    }
    there.close();
    shared.close();
  }
});

test('a search ends with a whole network that is as accurate as its trial, and no worse than the start', async () => {
  const found = await search(engine, network(), data, optionsOf({ depth: 2 }));
  expect(found.trials.length).toBeGreaterThanOrEqual(6);
  expect(found.baseline).toMatchObject({
    trial: 0,
    depth: 1,
    configuration: { 'head:layers': 0, 'head:dropout': 0, 'third:width': 1 },
  });
  expect(found.best.accuracy).toBeGreaterThanOrEqual(found.baseline.accuracy ?? 1);
  const { accuracy } = await evaluate(engine, found.best.graph, data.validation);
  expect(accuracy).toBeCloseTo(found.best.accuracy, 10);
  const outputs = await runModel(encodeOnnx(found.best.graph), { inputs: { input: await inputsOf(data.validation) } });
  expect([...(Object.values(outputs)[0]?.dims ?? [])]).toEqual([24, CLASSES]);
  expect(found.secondsEndToEndEstimate).toBeGreaterThan(0);
  // The first layer is in the frozen part: its weights are the given ones.
  const weight = 'first.weight';
  expect(found.best.graph.initializers.get(weight)?.data).toEqual(network().initializers.get(weight)?.data);
});

test('a search that was cut off at any event ends as one that was not', async () => {
  const path = join(folder, 'journal.jsonl');
  const journal = openJournal(path);
  const whole = await search(engine, network(), data, optionsOf({ trials: 2, depth: 2, journal }));
  journal.close();
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  for (const kept of [0, 2, 5, lines.length]) {
    const cutPath = join(folder, `cut-${kept}.jsonl`);
    writeFileSync(
      cutPath,
      lines
        .slice(0, kept)
        .map((line) => `${line}\n`)
        .join(''),
    );
    const rest = openJournal(cutPath);
    const ran: number[] = [];
    const resumed = await search(
      engine,
      network(),
      data,
      optionsOf({ trials: 2, depth: 2, journal: rest, onTrial: ({ trial }) => ran.push(trial) }),
    );
    rest.close();
    const told = lines.slice(0, kept).filter((line) => line.includes('"trial-told"')).length;
    expect(ran).toEqual(whole.trials.slice(told).map(({ trial }) => trial));
    expect(resumed.trials.map(plain)).toEqual(whole.trials.map(plain));
    expect(resumed.best.trial).toBe(whole.best.trial);
    expect(resumed.stoppedAtDepth).toBe(whole.stoppedAtDepth);
    for (const [name, tensor] of whole.best.graph.initializers)
      expect(resumed.best.graph.initializers.get(name)?.data).toEqual(tensor.data);
  }
});

test('a trial that fails is recorded; a search of nothing but failures says why', async () => {
  const journal = openJournal(join(folder, 'journal.jsonl'));
  // Far too large a learning rate: the loss is soon no number.
  const hopeless = { training: { learningRate: 1e30, optimizer: { kind: 'sgd' } as const, clipNorm: 1e30 }, journal };
  await expect(search(engine, network(), data, optionsOf({ ...hopeless, trials: 2 }))).rejects.toThrow(
    /No trial of the search worked.*loss became/s,
  );
  expect(journal.events.filter(({ kind }) => kind === 'trial-told')).toHaveLength(2);
  journal.close();
});

test('the search ends when it is told to, and leaves no half-written features', async () => {
  const stop = new AbortController();
  const onTrial = () => stop.abort();
  await expect(search(engine, network(), data, optionsOf({ signal: stop.signal, onTrial }))).rejects.toThrow(
    /Interrupted/,
  );
  const early = AbortSignal.abort();
  const other = join(folder, 'other');
  await expect(search(engine, network(), data, optionsOf({ signal: early, featureFolder: other }))).rejects.toThrow(
    /Interrupted/,
  );
  expect(existsSync(other) ? readdirSync(other) : []).toEqual([]);
});

test('limits on cost are kept', async () => {
  const found = await search(engine, network(), data, optionsOf({ trials: 6, limits: { parameters: 0.8 } }));
  const most = 0.8 * found.baseline.parameters;
  expect(found.best.parameters).toBeLessThanOrEqual(most);
  // Below a ceiling accuracy decides, however little of it.
  const allowed = found.trials.filter(({ parameters }) => parameters <= most);
  expect(found.best.accuracy).toBe(Math.max(...allowed.map(({ accuracy }) => accuracy ?? 0)));
});

const trial = (number: number, accuracy: number | undefined, cost: number, depth = 1): TrialRecord => ({
  trial: number,
  depth,
  configuration: {},
  accuracy,
  macs: cost,
  parameters: cost,
  trainableParameters: cost,
  trainedMacs: cost,
  seconds: 1,
  curve: accuracy === undefined ? [] : [accuracy],
});
const whole = { macs: 100, parameters: 100 };

test('of trials equal within noise the cheapest is chosen, but none worse than trial 0', () => {
  const trials = [
    trial(0, 0.9, 100),
    trial(1, 0.93, 90),
    trial(2, 0.92, 50),
    trial(3, 0.89, 10),
    trial(4, undefined, 1),
  ];
  expect(selectBest(trials, whole, 0.02)?.trial).toBe(2);
  expect(selectBest(trials, whole, 0.005)?.trial).toBe(1);
  expect(selectBest(trials, whole, 0.5)?.trial).toBe(2);
  expect(selectBest([], whole, 0.1)).toBeUndefined();
  // A hundredth of the cost is not worth two points.
  expect(selectBest([trial(0, 0.8, 100), trial(1, 0.92, 51), trial(2, 0.9, 50)], whole, 0.05)?.trial).toBe(1);
  expect(paretoFront(trials, whole).map((one) => one.trial)).toEqual([1, 2, 3]);
  expect(noiseOf(0.9, 100)).toBeCloseTo(0.03, 10);
  expect(noiseOf(1, 100)).toBeGreaterThan(0);
});

test('below a ceiling costs are free, without one they count', () => {
  const trials = [trial(0, 0.9, 100), trial(1, 0.9, 20), trial(2, 0.905, 58), trial(3, 0.95, 90)];
  const standing = { trials, original: whole, limits: {}, samples: 100 };
  const limited = { ...standing, limits: { parameters: 0.6 } };
  expect(leading({ ...standing, trials: trials.slice(0, 3) })?.trial).toBe(1);
  expect(leading(limited)?.trial).toBe(2);
  expect(outcomeOf(limited, trial(1, 0.9, 20))).toMatchObject({ value: 0.9 });
  // Of equals the first leads, and a depth that finds only as good is the last; the cheapest of them is chosen.
  const equals = { ...limited, trials: [...trials, trial(4, 0.905, 50, 2), trial(5, 0.905, 55, 2)] };
  expect(leading(equals)?.trial).toBe(2);
  expect(gained(equals, 2)).toBe(false);
  expect(chosen(equals)?.trial).toBe(4);
});

test('going deeper is decided by the best trial of a depth, not by its last', () => {
  const score = ({ accuracy }: TrialRecord) => accuracy;
  const first = [trial(0, 0.8, 1), trial(1, 0.9, 1)];
  expect(deepened(first, 1, score)).toBe(true);
  // The last trial is worse than all before, the one before it better: worth it. The published code stops here.
  expect(deepened([...first, trial(2, 0.95, 1, 2), trial(3, 0.5, 1, 2)], 2, score)).toBe(true);
  // The last is better than the last of the depth before, but not than its best. The published code goes on here.
  expect(deepened([trial(0, 0.9, 1), trial(1, 0.7, 1), trial(2, 0.6, 1, 2), trial(3, 0.8, 1, 2)], 2, score)).toBe(
    false,
  );
  expect(deepened([...first, trial(2, 0.9, 1, 2)], 2, score)).toBe(false);
  expect(deepened([trial(0, undefined, 1)], 1, score)).toBe(true);
});

test('an interruption is heard in the middle of a trial', async () => {
  const controller = new AbortController();
  const options = optionsOf({ trials: 1, epochs: 1_000_000, depth: 0, signal: controller.signal });
  setTimeout(() => controller.abort(), 500);
  await expect(search(engine, network(), data, options)).rejects.toThrow('Interrupted');
});
