import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type * as tfjs from '@tensorflow/tfjs-core';
import { withInputSize } from '../../lib/analyze/input-size.js';
import type { BatchSource } from '../../lib/data/batch.js';
import { loadEngine } from '../../lib/engine/engine.js';
import { Interrupted } from '../../lib/errors.js';
import type { Graph } from '../../lib/graph/graph.js';
import { float32, numbersOf } from '../../lib/graph/tensor.js';
import { checkpointFile } from '../../lib/train/checkpoint-file.js';
import { evaluate } from '../../lib/train/evaluate.js';
import type { TrainOptions } from '../../lib/train/options.js';
import type { TrainState } from '../../lib/train/state.js';
import { type TrainResult, train } from '../../lib/train/train.js';
import { textureNetwork, textures } from './problem.js';

const engine = await loadEngine();
// Whatever a training does, it leaves nothing on the engine.
const before = engine.tf.memory().numTensors;
afterEach(() => expect(engine.tf.memory().numTensors).toBe(before));

const data = { train: textures(48, 16, 1), validation: textures(24, 16, 2) };
const quick: TrainOptions = { epochs: 2, learningRate: 0.05 };

const run = (options: Partial<TrainOptions> = {}, graph: Graph = textureNetwork(), source = data) =>
  train(engine, graph, source, { ...quick, ...options });

/** What must be equal in two runs: everything but the clock. */
function decisions({ graph, history, best }: TrainResult): unknown {
  return { initializers: graph.initializers, best, history: history.map((epoch) => ({ ...epoch, seconds: 0 })) };
}

describe('learning', () => {
  for (const optimizer of [
    { kind: 'sgd' as const, weightDecay: 1e-4 },
    { kind: 'adamw' as const, weightDecay: 1e-2 },
  ])
    test(`${optimizer.kind} solves the textures`, async () => {
      const result = await run({
        epochs: 8,
        learningRate: optimizer.kind === 'sgd' ? 0.05 : 0.01,
        optimizer,
        schedule: { kind: 'cosine', warmup: 0.5 },
        labelSmoothing: 0.05,
        clipNorm: 5,
      });
      expect(result.best.accuracy).toBeGreaterThanOrEqual(0.95);
      const again = await evaluate(engine, result.graph, textures(90, 16, 3));
      expect(again.n).toBe(90);
      expect(again.accuracy).toBeGreaterThanOrEqual(0.93);
    });

  test('a graph that ends in Softmax learns from the logits before it', async () => {
    const plain = await run();
    const softmax = await run({}, textureNetwork({ softmax: true }));
    expect(softmax.history.map(({ loss }) => loss)).toEqual(plain.history.map(({ loss }) => loss));
  });

  test('the best epoch is handed back, and patience ends the training', async () => {
    const options = { epochs: 30, patience: 2, learningRate: 0.1 };
    const result = await run(options);
    const { best, history } = result;
    expect(history.length).toBeLessThan(30);
    expect(history.length).toBe(best.epoch + 3);
    const evaluation = await evaluate(engine, result.graph, data.validation);
    expect(evaluation.accuracy).toBe(best.accuracy);
    expect(evaluation.loss).toBeCloseTo(best.loss, 5);
    const last = await run({ ...options, restoreBest: false });
    expect(await evaluate(engine, last.graph, data.validation)).not.toEqual(evaluation);
  });

  test('what is frozen stays, and multipliers scale the steps', async () => {
    const source = textureNetwork();
    const frozen = await run({ frozen: (name) => name.startsWith('first') }, source);
    expect(frozen.graph.initializers.get('first.weight')).toEqual(source.initializers.get('first.weight'));
    expect(frozen.graph.initializers.get('fc.weight')).not.toEqual(source.initializers.get('fc.weight'));
    const still = await run({ multiplier: (name) => (name.startsWith('fc') ? 1 : 0) }, source);
    for (const [name, tensor] of still.graph.initializers)
      if (/^(first|depthwise|pointwise)/.test(name)) expect(tensor).toEqual(source.initializers.get(name));
    await expect(run({ frozen: () => true })).rejects.toThrow(/nothing to learn/);
  });

  test('frozen batch norm keeps its statistics', async () => {
    const source = textureNetwork();
    const { graph } = await run({ batchNorm: 'frozen' }, source);
    for (const [name, tensor] of graph.initializers)
      if (/running/.test(name)) expect(tensor).toEqual(source.initializers.get(name));
  });

  test('a batch norm that is frozen itself keeps its statistics, the others do not', async () => {
    const source = textureNetwork();
    const [first, second] = source.nodes.filter(({ op }) => op === 'BatchNormalization').map(({ inputs }) => inputs);
    const { graph } = await run({ frozen: (name) => first?.includes(name) ?? false }, source);
    for (const name of first?.slice(1) ?? [])
      expect(graph.initializers.get(name)).toEqual(source.initializers.get(name));
    for (const name of second?.slice(1) ?? [])
      expect(graph.initializers.get(name)).not.toEqual(source.initializers.get(name));
  });

  test('an extra term pulls the weights', async () => {
    const size = (graph: Graph) =>
      numbersOf(graph.initializers.get('pointwise.weight') ?? float32([0], [])).reduce(
        (sum, x) => sum + Math.abs(x),
        0,
      );
    const without = await run();
    const shrunk = await run({
      extraLoss: (model, tf) => {
        const weight = model.variables.get('pointwise.weight');
        return (weight ? tf.mul(tf.sum(tf.abs(weight)), 0.1) : tf.scalar(0)) as tfjs.Scalar;
      },
    });
    expect(size(shrunk.graph)).toBeLessThan(0.8 * size(without.graph));
  });

  test('a student follows its teacher without labels', async () => {
    const teacher = (await run({ epochs: 6, learningRate: 0.1 })).graph;
    const shuffled = (source: BatchSource): BatchSource => ({
      ...source,
      async *batches(epoch) {
        for await (const batch of source.batches(epoch))
          yield { ...batch, labels: new Int32Array(batch.labels.length) };
      },
    });
    const student = await run(
      { epochs: 10, learningRate: 0.1, distillation: { teacher, weight: 1, temperature: 2 } },
      textureNetwork(),
      {
        train: shuffled(data.train),
        validation: data.validation,
      },
    );
    expect(student.best.accuracy).toBeGreaterThanOrEqual(0.9);
  });

  test('a teacher may see the samples in another way than its student', async () => {
    const teacher = (await run({ epochs: 8, learningRate: 0.1 })).graph;
    // On its side, a horizontal stripe is a vertical one: a teacher that saw what the student sees would teach it the wrong class.
    const onItsSide = (source: BatchSource, taught: boolean): BatchSource => ({
      ...source,
      async *batches(epoch) {
        for await (const batch of source.batches(epoch)) {
          const corner = 6;
          const inputs = new Float32Array(batch.labels.length * corner * corner);
          for (let at = 0; at < inputs.length; at++) {
            const [sample, row, column] = [Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6];
            inputs[at] = batch.inputs[64 * sample + 8 * column + row] ?? Number.NaN;
          }
          const labels = taught ? new Int32Array(batch.labels.length) : batch.labels;
          const seen = { ...batch, inputs, shape: [batch.labels.length, corner, corner, 1], labels };
          yield taught ? { ...seen, forTeacher: batch } : seen;
        }
      },
    });
    const student = await run(
      { epochs: 12, learningRate: 0.1, distillation: { teacher, weight: 1, temperature: 2 } },
      withInputSize(textureNetwork(), [6, 6]),
      { train: onItsSide(data.train, true), validation: onItsSide(data.validation, false) },
    );
    expect(student.best.accuracy).toBeGreaterThanOrEqual(0.8);
  });

  test('class weights move the decision', async () => {
    const share = async (classWeights: number[]) => {
      const { graph } = await run({ epochs: 6, learningRate: 0.1, classWeights, restoreBest: false });
      return (await evaluate(engine, graph, textures(30, 30, 5))).accuracy;
    };
    expect(await share([1, 1, 1])).toBeGreaterThan(0.8);
    expect(await share([100, 0.01, 0.01])).toBeLessThan(0.7);
  });
});

describe('reporting', () => {
  test('steps and epochs are told, and no step leaks a tensor', async () => {
    const steps: number[] = [];
    const tensors: number[] = [];
    const epochs: number[] = [];
    await run({
      epochs: 3,
      optimizer: { kind: 'adam' },
      learningRate: 0.01,
      clipNorm: 1,
      onStep: (metrics) => {
        steps.push(metrics.step);
        tensors.push(engine.tf.memory().numTensors);
        expect(metrics.steps).toBe(9);
        expect(metrics.etaSeconds).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(metrics.loss)).toBe(true);
      },
      onEpoch: ({ epoch, validation }, model) => {
        epochs.push(epoch);
        expect(validation.n).toBe(24);
        expect(model.variables.size).toBeGreaterThan(0);
      },
    });
    expect(steps).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(epochs).toEqual([0, 1, 2]);
    // A step is told when the next one has run, the last of an epoch by itself: those differ by the pending result.
    for (const index of [1, 3, 4, 6, 7]) expect(tensors[index]).toBe(tensors[0]);
    expect(tensors[5]).toBe(tensors[2]);
    expect(tensors[8]).toBe(tensors[2]);
  });

  test('a loss that explodes is an error that says where and what to do', async () => {
    const error = await run({ learningRate: 1e30 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'TascnetError', hint: expect.stringContaining('smaller learning rate') });
    expect(String(error)).toMatch(/epoch 1 at step \d \(learning rate 1\.00e\+30\)/);
  });

  test('labels beyond the head and networks without class scores are refused', async () => {
    await expect(run({}, textureNetwork({ classes: 2 }))).rejects.toThrow(/class 2.*only 2 classes/);
    const graph = textureNetwork();
    const features: Graph = {
      ...graph,
      outputs: [{ name: graph.nodes[2]?.outputs[0] ?? '', dtype: 'float32', dims: ['N', 8, 8, 8] }],
    };
    await expect(run({}, features)).rejects.toThrow(/no classifier/);
  });

  test('an abort stops it', async () => {
    const controller = new AbortController();
    const running = run({ signal: controller.signal, onStep: () => controller.abort() });
    await expect(running).rejects.toBeInstanceOf(Interrupted);
  });
});

describe('resuming', () => {
  const variants: [string, Partial<TrainOptions>][] = [
    ['sgd with a plateau schedule', { schedule: { kind: 'plateau', patience: 0, warmup: 0.5 } }],
    [
      'adamw with cosine and clipping',
      { optimizer: { kind: 'adamw', weightDecay: 0.1 }, learningRate: 0.01, schedule: { kind: 'cosine' }, clipNorm: 1 },
    ],
    ['adagrad in steps', { optimizer: { kind: 'adagrad' }, schedule: { kind: 'step', every: 1 } }],
  ];
  for (const [name, options] of variants)
    test(`${name}: killed after any epoch and resumed from its file equals uninterrupted, bitwise`, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'tascnet-train-'));
      const whole = await run({ ...options, epochs: 4 });
      for (const killedAfter of [1, 3]) {
        const checkpoint = checkpointFile(join(directory, `after-${killedAfter}.state`));
        const controller = new AbortController();
        let epochs = 0;
        const dying = run({
          ...options,
          epochs: 4,
          checkpoint: {
            load: checkpoint.load,
            save: async (state) => {
              await checkpoint.save(state);
              if (++epochs === killedAfter) controller.abort();
            },
          },
          signal: controller.signal,
        });
        await expect(dying).rejects.toBeInstanceOf(Interrupted);
        const resumed = await run({ ...options, epochs: 4, checkpoint });
        expect(decisions(resumed)).toEqual(decisions(whole));
        // Once more, with nothing left to do.
        expect(decisions(await run({ ...options, epochs: 4, checkpoint }))).toEqual(decisions(whole));
      }
      expect((await readdir(directory)).sort()).toEqual(['after-1.state', 'after-3.state']);
      await rm(directory, { recursive: true });
    });

  test('the same seed gives the same run, another seed another', async () => {
    const first = await run({ seed: 5 });
    expect(decisions(await run({ seed: 5 }))).toEqual(decisions(first));
    expect(decisions(await run({ seed: 6 }))).not.toEqual(decisions(first));
  });
});

describe('checkpoint files', () => {
  const state: TrainState = {
    epochs: 0,
    weights: new Map([
      ['w', float32([2, 1], [1.5, -0])],
      ['e', float32([0], [])],
    ]),
    optimizer: { steps: 3, slots: new Map([['velocity/w', new Float32Array([0.1, 1e-40])]]) },
    schedule: { scale: 1, best: Number.POSITIVE_INFINITY, badEpochs: 0, epochsDone: 0 },
    history: [],
    best: undefined,
  };

  test('give back what was saved, and refuse what is damaged', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tascnet-train-'));
    const path = join(directory, 'state');
    const file = checkpointFile(path);
    expect(await file.load()).toBeUndefined();
    await file.save(state);
    expect(await file.load()).toEqual(state);
    const bytes = await readFile(path);
    for (const damaged of [bytes.subarray(0, -1), bytes.subarray(0, 80), Buffer.concat([bytes, Buffer.from('x')])]) {
      await writeFile(path, damaged);
      await expect(file.load()).rejects.toThrow(/damaged/);
    }
    for (let at = 20; at < bytes.length; at += 37) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      await writeFile(path, flipped);
      await expect(file.load()).rejects.toThrow(/damaged/);
    }
    await writeFile(path, 'hello');
    await expect(file.load()).rejects.toThrow(/not a training checkpoint/);
    await expect(checkpointFile(join(directory, 'no', 'state')).save(state)).rejects.toThrow(/cannot be written/);
    await rm(directory, { recursive: true });
  });
});
