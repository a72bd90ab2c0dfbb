/** The addon's kernels in TensorFlow, against TensorFlow's own. */

import { spawnSync } from 'node:child_process';
import { beforeAll, expect, test } from '@jest/globals';
import type * as tfjs from '@tensorflow/tfjs-core';
import { type Engine, loadEngine } from '../../lib/engine/engine.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { floatType, type KernelBackend, ownKernels } from '../../lib/ops/kernel-backend.js';

let engine: Engine;
let backend: KernelBackend | undefined;

beforeAll(async () => {
  engine = await loadEngine();
  backend = ownKernels(engine.tf);
  if (!backend) process.stderr.write('skipped, as this TensorFlow takes no kernels of the addon\n');
});

/** Normal numbers; those of channel c have mean `offset` · (c mod 8). */
function values(dims: number[], seed: number, offset = 0): Float32Array {
  const random = randomGenerator(seed);
  const channels = dims.at(-1) ?? 1;
  const count = dims.reduce((product, extent) => product * extent, 1);
  return Float32Array.from({ length: count }, (_, index) => random.normal() + offset * ((index % channels) % 8));
}

function expectNear(actual: tfjs.Tensor | undefined, expected: tfjs.Tensor | undefined, tolerance: number): void {
  const [a, b] = [actual?.dataSync() ?? [], expected?.dataSync() ?? []];
  expect(a.length).toBe(b.length);
  const scale = Math.max(1e-3, ...Array.from(b, Math.abs));
  let worst = 0;
  for (let index = 0; index < b.length; index++)
    worst = Math.max(worst, Math.abs((a[index] ?? 0) - (b[index] ?? 0)) / scale);
  expect(worst).toBeLessThan(tolerance);
}

const SHAPES = [
  [2, 3, 5, 1],
  [4, 7, 7, 3],
  [1, 1, 2, 8],
  [8, 9, 9, 16],
  [3, 40, 41, 24],
  [2, 3, 3, 67],
  [2, 5, 5, 512],
];

test.each(SHAPES.map((dims) => [dims]))('batch norm of %j is that of TensorFlow', (dims) => {
  if (!backend) return;
  const { tf } = engine;
  const own = backend;
  const channels = dims.at(-1) ?? 1;
  const rows = dims.slice(0, -1).reduce((product, extent) => product * extent, 1);
  const epsilon = { name: 'epsilon', type: own.binding.TF_ATTR_FLOAT ?? 0, value: 1e-3 };
  const theirs = [
    ...[floatType(own, 'T'), floatType(own, 'U'), epsilon],
    { name: 'data_format', type: own.binding.TF_ATTR_STRING ?? 0, value: 'NHWC' },
    { name: 'is_training', type: own.binding.TF_ATTR_BOOL ?? 0, value: true },
  ];
  tf.tidy(() => {
    const x = tf.tensor(values(dims, 1, 3), dims);
    const dy = tf.tensor(values(dims, 2), dims);
    const scale = tf.tensor1d(values([channels], 3));
    const bias = tf.tensor1d(values([channels], 4));
    const none = tf.tensor1d([], 'float32');
    const [y, mean, variance] = own.executeMultipleOutputs('TascnetBatchNorm', [epsilon], [x, scale, bias], 3);
    const fused = own.executeMultipleOutputs('FusedBatchNormV3', theirs, [x, scale, bias, none, none], 6);
    expectNear(y, fused[0], 1e-5);
    expectNear(mean, fused[1], 1e-5);
    expectNear(variance, tf.mul(fused[2] as tfjs.Tensor, (rows - 1) / rows), 1e-4);

    const inputs = [dy, x, scale, mean, variance] as tfjs.Tensor[];
    const ours = own.executeMultipleOutputs('TascnetBatchNormGrad', [epsilon], inputs, 3);
    const reserved = fused.slice(3) as tfjs.Tensor[];
    const gradients = own.executeMultipleOutputs('FusedBatchNormGradV3', theirs, [dy, x, scale, ...reserved], 5);
    for (let index = 0; index < 3; index++) expectNear(ours[index], gradients[index], 1e-4);
  });
});

test('a mean a thousand times the deviations costs no accuracy', () => {
  if (!backend) return;
  const { tf } = engine;
  const own = backend;
  const dims = [64, 8, 8, 8];
  const x = values(dims, 5).map((value) => 1000 + value);
  const sum = [...x].filter((_, index) => index % 8 === 0).reduce((total, value) => total + value, 0);
  const [count, mean] = [x.length / 8, sum / (x.length / 8)];
  const squares = [...x].filter((_, index) => index % 8 === 0).reduce((total, value) => total + (value - mean) ** 2, 0);
  const attribute = { name: 'epsilon', type: own.binding.TF_ATTR_FLOAT ?? 0, value: 1e-5 };
  tf.tidy(() => {
    const inputs = [tf.tensor(x, dims), tf.ones([8]), tf.zeros([8])];
    const variance = own.executeMultipleOutputs('TascnetBatchNorm', [attribute], inputs, 3)[2]?.dataSync() ?? [];
    expect((variance[0] ?? 0) / (squares / count)).toBeCloseTo(1, 5);
  });
});

interface Sliding {
  dims: [number, number, number, number];
  kernel: [number, number];
  stride: number;
  pad: 'same' | 'valid';
}

const SLIDING: Sliding[] = [
  { dims: [2, 9, 7, 3], kernel: [3, 3], stride: 1, pad: 'same' },
  { dims: [3, 10, 11, 16], kernel: [3, 3], stride: 2, pad: 'same' },
  { dims: [1, 40, 300, 8], kernel: [5, 5], stride: 1, pad: 'valid' },
  { dims: [2, 6, 5, 45], kernel: [7, 7], stride: 3, pad: 'same' },
  { dims: [4, 1, 9, 64], kernel: [1, 3], stride: 1, pad: 'same' },
  { dims: [2, 3, 3, 512], kernel: [5, 3], stride: 2, pad: 'same' },
];

test.each(SLIDING)('depthwise convolution of $dims by $kernel, stride $stride, is that of TensorFlow', (given) => {
  if (!backend) return;
  const { tf } = engine;
  const own = backend;
  const { dims, kernel, stride, pad } = given;
  const channels = dims[3];
  const output = dims
    .slice(1, 3)
    .map((extent, axis) => Math.ceil((extent - (pad === 'same' ? 0 : (kernel[axis] ?? 1) - 1)) / stride));
  const before = output.map((count, axis) => {
    const missing = (count - 1) * stride + (kernel[axis] ?? 1) - (dims[axis + 1] ?? 0);
    return pad === 'same' ? Math.floor(Math.max(0, missing) / 2) : 0;
  });
  const integers = (name: string, value: number[]) => ({ name, type: own.binding.TF_ATTR_INT ?? 0, value });
  const sliding = integers('sliding', [stride, stride, 1, 1, ...before]);
  const run = (name: string, inputs: tfjs.Tensor[], extents: number[]) =>
    own.executeMultipleOutputs(name, [sliding, integers('extents', extents)], inputs, 1)[0];
  tf.tidy(() => {
    const x = tf.tensor4d(values(dims, 1), dims);
    const filter = tf.tensor4d(values([...kernel, channels], 2), [...kernel, channels, 1]);
    const theirs = (image: tfjs.Tensor, weight: tfjs.Tensor) =>
      tf.depthwiseConv2d(image as tfjs.Tensor4D, weight as tfjs.Tensor4D, stride, pad);
    const expected = theirs(x, filter);
    expectNear(run('TascnetDepthwise', [x, filter], output), expected, 1e-5);
    const dy = tf.tensor(values(expected.shape, 3), expected.shape);
    const [dx, dFilter] = tf.grads(theirs)([x, filter], dy);
    expectNear(run('TascnetDepthwiseInputGrad', [dy, filter], dims.slice(1, 3)), dx, 1e-5);
    expectNear(run('TascnetDepthwiseFilterGrad', [x, dy], kernel), dFilter, 1e-4);
  });
});

test('a depthwise convolution that cannot be is refused', () => {
  if (!backend) return;
  const { tf } = engine;
  const own = backend;
  const integers = (name: string, value: number[]) => ({ name, type: own.binding.TF_ATTR_INT ?? 0, value });
  const run = (sliding: number[], extents: number[], filter: number[]) => () =>
    tf.tidy(() => {
      const attributes = [integers('sliding', sliding), integers('extents', extents)];
      return own.executeMultipleOutputs('TascnetDepthwise', attributes, [tf.ones([1, 4, 4, 2]), tf.ones(filter)], 1);
    });
  expect(run([0, 1, 1, 1, 0, 0], [2, 2], [3, 3, 2, 1])).toThrow('strides and dilations from 1');
  expect(run([1, 1, 1, 1, -1, 0], [2, 2], [3, 3, 2, 1])).toThrow('padding from 0');
  expect(run([1, 1, 1, 1, 0, 0], [-2, 2], [3, 3, 2, 1])).toThrow('a height and a width');
  expect(run([1, 1, 1, 1, 0, 0], [2, 2], [3, 3, 3, 1])).toThrow('a filter of [height, width, channels, 1]');
  expect(run([1, 1, 1, 1, 0, 0], [2, 2], [3, 3, 2, 1])).not.toThrow();
});

test('what is not a number stays visible, and wrong shapes are refused by name', () => {
  if (!backend) return;
  const { tf } = engine;
  const own = backend;
  const attribute = { name: 'epsilon', type: own.binding.TF_ATTR_FLOAT ?? 0, value: 1e-5 };
  tf.tidy(() => {
    const x = tf.tensor([1, 2, Number.NaN, 4, 5, 6], [3, 2]);
    const [y] = own.executeMultipleOutputs('TascnetBatchNorm', [attribute], [x, tf.ones([2]), tf.zeros([2])], 3);
    expect([...(y?.dataSync() ?? [])].map(Number.isNaN)).toEqual([true, false, true, false, true, false]);
    const wrong = [x, tf.ones([3]), tf.zeros([2])];
    expect(() => own.executeMultipleOutputs('TascnetBatchNorm', [attribute], wrong, 3)).toThrow('one number a channel');
  });
});

/** What a fresh process writes as JSON that has run `script`, with `own` as the backend and `attributes` for a batch norm. */
function fromChild<Result>(script: string, env: Record<string, string> = {}): Result {
  const whole = `
    import { loadEngine } from './dist/engine/engine.js';
    import * as native from './dist/native.js';
    const { tf } = await loadEngine();
    const own = tf.backend();
    const attributes = [{ name: 'epsilon', type: own.binding.TF_ATTR_FLOAT, value: 1e-5 }];
    ${script}
    process.exit(0);
  `;
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', whole], options);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Result;
}

test('every instruction set and number of threads gives the same statistics', () => {
  if (!backend) return;
  const run = (env: Record<string, string>) =>
    fromChild<number[][]>(
      `
      const x = Float32Array.from({ length: 6 * 11 * 11 * 40 }, (_, i) => Math.sin(i) + (i % 40));
      const inputs = [tf.tensor(x, [6, 11, 11, 40]), tf.ones([40]), tf.zeros([40])];
      const outputs = own.executeMultipleOutputs('TascnetBatchNorm', attributes, inputs, 3);
      console.log(JSON.stringify(outputs.slice(1).map((each) => [...each.dataSync()])));
      `,
      env,
    );
  const usual = run({});
  expect(run({ TASCNET_THREADS: '1' })).toEqual(usual);
  run({ TASCNET_SIMD: 'baseline' }).forEach((vector, index) => {
    vector.forEach((value, channel) => {
      expect(value).toBeCloseTo(usual[index]?.[channel] ?? 0, 4);
    });
  });
}, 60_000);

test('threads that TensorFlow made the addon start do not flush denormals to zero in other calls', () => {
  if (!backend) return;
  const sums = fromChild<number[]>(
    `
    own.executeMultipleOutputs('TascnetBatchNorm', attributes, [tf.ones([600, 40]), tf.ones([40]), tf.zeros([40])], 3);
    const scale = new Float32Array(10).fill(1e-44);
    const sums = [];
    for (let i = 0; i < 200; i++) sums.push((await native.batchNormScale(scale)).reduce((a, b) => a + b, 0));
    console.log(JSON.stringify(sums));
    `,
    { TASCNET_THREADS: '4' },
  );
  const [denormal] = new Float32Array([1e-44]);
  expect(new Set(sums)).toEqual(new Set([Array.from({ length: 10 }, () => denormal ?? 0).reduce((a, b) => a + b, 0)]));
}, 60_000);
