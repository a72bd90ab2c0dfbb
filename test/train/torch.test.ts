/** Optimizers, schedules and losses against PyTorch's figures (test/fixtures/train/make.py). */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type * as tfjs from '@tensorflow/tfjs-core';
import { loadEngine } from '../../lib/engine/engine.js';
import { crossEntropy, distillation } from '../../lib/train/loss.js';
import { createOptimizer, type Learnt, type OptimizerOptions } from '../../lib/train/optimizer.js';
import { createSchedule, type ScheduleOptions } from '../../lib/train/schedule.js';

interface Parameters {
  weight: number[];
  bias: number[];
}

interface Fixture extends Parameters {
  gradients: Parameters[];
  rates: number[];
  optimizers: { options: OptimizerOptions; clipNorm: number | null; after: Parameters[] }[];
  stepsPerEpoch: number;
  epochs: number;
  base: number;
  losses: number[];
  schedules: { options: ScheduleOptions; rates: number[] }[];
  logits: number[];
  teacher: number[];
  labels: number[];
  crossEntropy: { options: object; value: number; gradient: number[] }[];
  distillation: { temperature: number; value: number; gradient: number[] };
}

const fixture: Fixture = JSON.parse(readFileSync(new URL('../fixtures/train/torch.json', import.meta.url), 'utf8'));

const engine = await loadEngine();

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  for (const [index, value] of expected.entries())
    expect(Math.abs((actual[index] ?? Number.NaN) - value)).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(value)),
    );
}

describe('optimizers equal PyTorch', () => {
  const parameters = (): Learnt[] => {
    const { tf } = engine;
    return [
      { name: 'weight', variable: tf.variable(tf.tensor(fixture.weight, [4, 3])), multiplier: 1, decays: true },
      { name: 'bias', variable: tf.variable(tf.tensor(fixture.bias, [4])), multiplier: 1, decays: false },
    ];
  };
  const gradientsOf = (learnt: readonly Learnt[], { weight, bias }: Parameters): Record<string, tfjs.Tensor> => {
    const [w, b] = learnt;
    return {
      [w?.variable.name ?? '']: engine.tf.tensor(weight, [4, 3]),
      [b?.variable.name ?? '']: engine.tf.tensor(bias),
    };
  };

  for (const { options, clipNorm, after } of fixture.optimizers)
    test(`${JSON.stringify(options)}${clipNorm ? ` clipped to ${clipNorm}` : ''}`, async () => {
      let learnt = parameters();
      let optimizer = createOptimizer(engine.tf, learnt, options);
      for (const [step, expected] of after.entries()) {
        const gradient = fixture.gradients[step] ?? { weight: [], bias: [] };
        optimizer.apply(gradientsOf(learnt, gradient), fixture.rates[step] ?? 0, clipNorm ?? undefined);
        const [weight, bias] = await Promise.all(learnt.map(({ variable }) => variable.data()));
        expectClose(weight ?? [], expected.weight);
        expectClose(bias ?? [], expected.bias);
        if (step !== 2) continue;
        // Half-way, state and weights move to another optimizer, as in a resumed run.
        const state = await optimizer.state();
        const moved = parameters();
        moved.forEach(({ variable }, index) => {
          const from = learnt[index]?.variable;
          if (from) variable.assign(from);
        });
        learnt = moved;
        optimizer = createOptimizer(engine.tf, learnt, options);
        optimizer.restore(state);
      }
    });

  test('variables that join in later are left alone until then, and learn from there as if it were the beginning', async () => {
    for (const { options, clipNorm, after } of fixture.optimizers) {
      const learnt = parameters().map((one) => ({ ...one, after: 2 }));
      const optimizer = createOptimizer(engine.tf, learnt, options);
      for (let step = -2; step < after.length; step++) {
        const gradient = fixture.gradients[Math.max(0, step)] ?? { weight: [], bias: [] };
        optimizer.apply(gradientsOf(learnt, gradient), fixture.rates[Math.max(0, step)] ?? 0, clipNorm ?? undefined);
        const [weight, bias] = await Promise.all(learnt.map(({ variable }) => variable.data()));
        const expected = step < 0 ? fixture : after[step];
        expectClose(weight ?? [], expected?.weight ?? []);
        expectClose(bias ?? [], expected?.bias ?? []);
      }
    }
  });

  test('large and small variables, in buckets and alone, learn alike and leak no tensor', async () => {
    const { tf } = engine;
    const sizes = [3, 20_000, 5, 7];
    const make = () =>
      sizes.map((size, index): Learnt => {
        const variable = tf.variable(tf.ones([size]));
        return { name: `v${index}`, variable, multiplier: index === 3 ? 0.5 : 1, decays: false };
      });
    const learnt = make();
    const optimizer = createOptimizer(tf, learnt, { kind: 'sgd' });
    const gradients = Object.fromEntries(learnt.map(({ variable }) => [variable.name, tf.ones([variable.size])]));
    optimizer.apply(gradients, 0.1);
    const tensors = tf.memory().numTensors;
    for (let step = 0; step < 5; step++) optimizer.apply(gradients, 0.1);
    expect(tf.memory().numTensors).toBe(tensors);
    const values = await Promise.all(learnt.map(async ({ variable }) => (await variable.data())[0] ?? 0));
    expect(values[0]).toBe(values[1]);
    expect(values[0]).toBe(values[2]);
    expect(1 - (values[3] ?? 0)).toBeCloseTo((1 - (values[0] ?? 0)) / 2, 5);
  });

  test('a state of another network is refused with the name of the variable', async () => {
    const optimizer = createOptimizer(engine.tf, parameters(), { kind: 'adam' });
    const state = await optimizer.state();
    state.slots.delete('mean/bias');
    expect(() => optimizer.restore(state)).toThrow(/"bias"/);
  });
});

describe('schedules equal PyTorch', () => {
  const { stepsPerEpoch, epochs, base, losses } = fixture;
  for (const { options, rates } of fixture.schedules)
    test(JSON.stringify(options), () => {
      let schedule = createSchedule(options, base, stepsPerEpoch, epochs);
      const seen: number[] = [];
      for (let epoch = 0; epoch < epochs; epoch++) {
        for (let step = 0; step < stepsPerEpoch; step++) seen.push(schedule.rate(epoch * stepsPerEpoch + step));
        schedule.epochDone(losses[epoch] ?? 0);
        const resumed = createSchedule(options, base, stepsPerEpoch, epochs);
        resumed.restore(JSON.parse(JSON.stringify(schedule.state())));
        if (Number.isFinite(schedule.state().best)) schedule = resumed;
      }
      expectClose(seen, rates, 1e-7);
    });
});

describe('losses equal PyTorch', () => {
  for (const { options, value, gradient } of fixture.crossEntropy)
    test(`cross-entropy ${JSON.stringify(options)}`, async () => {
      const { tf } = engine;
      const labels = tf.tensor1d(fixture.labels, 'int32');
      const f = tf.valueAndGrad((x: tfjs.Tensor) => crossEntropy(tf, x as tfjs.Tensor2D, labels, options));
      const result = f(tf.tensor2d(fixture.logits, [5, 4]));
      expectClose(await result.value.data(), [value]);
      expectClose(await result.grad.data(), gradient);
    });

  test('distillation', async () => {
    const { tf } = engine;
    const { temperature, value, gradient } = fixture.distillation;
    const teacher = tf.tensor2d(fixture.teacher, [5, 4]);
    const f = tf.valueAndGrad((x: tfjs.Tensor) => distillation(tf, x as tfjs.Tensor2D, teacher, temperature));
    const result = f(tf.tensor2d(fixture.logits, [5, 4]));
    expectClose(await result.value.data(), [value]);
    expectClose(await result.grad.data(), gradient);
  });
});
