/** The operators on TensorFlow, whose kernels refuse what tfjs's own backend takes and give gradients of their own. */

import { beforeAll, expect, test } from '@jest/globals';
import { type Engine, loadEngine } from '../../lib/engine/engine.js';
import type { Attribute } from '../../lib/graph/graph.js';
import { float32, int64, numbersOf } from '../../lib/graph/tensor.js';
import { ownKernels } from '../../lib/ops/kernel-backend.js';
import type { Tf } from '../../lib/ops/operator.js';
import {
  checkOperator,
  expectClose,
  float,
  int,
  ints,
  manyCases,
  type OperatorCase,
  onnxRuntime,
  prepare,
} from './harness.js';
import { randomConv, randomPool, randomTransposed } from './random-cases.js';
import { onEngine, runOnEngine } from './run-on-engine.js';

let engine: Engine;

beforeAll(async () => {
  engine = await loadEngine();
  if (engine.backend === 'cpu') process.stderr.write('TensorFlow is not installed: these tests run on tfjs.\n');
});

const vector = (channels: number) => ({ dims: [channels] });
const batchNorm = (dims: number[], attributes: Record<string, Attribute>, outputs: number): OperatorCase => {
  const channels = vector(dims[1] ?? 1);
  return {
    op: 'BatchNormalization',
    attributes,
    outputs,
    // The running statistics leave the fused kernel without a gradient.
    differentiable: 1,
    inputs: [{ dims }, channels, channels, channels, { ...channels, low: 0.2, high: 2 }],
    step: 0.01,
  };
};

const convolution = (x: number[], weight: number[], attributes: Record<string, Attribute>): OperatorCase => ({
  op: 'Conv',
  attributes,
  inputs: [{ dims: x }, { dims: weight }],
  step: 0.01,
});

const CASES: Record<string, OperatorCase[]> = {
  // Their gradients are kernels of TensorFlow's.
  Relu: [[], [7], [0, 3], [2, 3, 4, 5]].map((dims) => ({ op: 'Relu', inputs: [{ dims, low: -3, high: 3 }] })),
  Clip: [[7], [2, 3, 4, 5]].flatMap((dims) =>
    [[float32([], [0]), float32([], [6])], [float32([], [0])], [float32([], [-1]), float32([], [2])]].map(
      (bounds): OperatorCase => ({ op: 'Clip', inputs: [{ dims, low: -4, high: 10 }, ...bounds] }),
    ),
  ),
  Conv: [
    ...manyCases(12, 'tensorflow dense', (random) => randomConv(random, 2, 'dense')),
    ...manyCases(6, 'tensorflow grouped', (random) => randomConv(random, 2, 'grouped')),
    ...manyCases(12, 'tensorflow depthwise', (random) => randomConv(random, 2, 'depthwise')),
    ...manyCases(4, 'tensorflow 1-D', (random) => randomConv(random, 1, 'dense')),
    ...manyCases(4, 'tensorflow 1-D depthwise', (random) => randomConv(random, 1, 'depthwise')),
  ],
  // With enough channels for gradients of their own.
  WideConv: [
    convolution([2, 16, 5, 4], [8, 16, 3, 3], { pads: ints(1, 1, 1, 1) }),
    convolution([2, 17, 6, 7], [5, 17, 5, 3], { pads: ints(2, 1, 2, 1) }),
    convolution([2, 16, 5, 5], [8, 16, 3, 3], {}),
    convolution([2, 16, 5, 5], [8, 16, 3, 3], { pads: ints(1, 1, 1, 1), strides: ints(2, 2) }),
    convolution([2, 16, 6, 6], [8, 16, 2, 2], { auto_pad: { type: 'string', value: 'SAME_UPPER' } }),
    convolution([2, 16, 6, 6], [8, 16, 3, 3], { pads: ints(2, 2, 2, 2), dilations: ints(2, 2) }),
    convolution([3, 32, 5, 5], [8, 16, 3, 3], { pads: ints(1, 1, 1, 1), group: int(2) }),
    convolution([2, 18, 4, 3], [7, 18, 1, 1], {}),
    convolution([2, 18, 5, 6], [7, 18, 1, 1], { strides: ints(2, 2) }),
    convolution([2, 18, 7, 5], [7, 18, 1, 1], { strides: ints(3, 2) }),
    convolution([2, 18, 9], [7, 18, 1], { strides: ints(2) }),
    convolution([2, 18, 9], [7, 18, 3], { pads: ints(1, 1) }),
  ],
  ConvTranspose: manyCases(12, 'tensorflow transposed', (random) => randomTransposed(random, 2)),
  MaxPool: manyCases(15, 'tensorflow max', (random) => randomPool(random, 'MaxPool', 2)),
  AveragePool: manyCases(15, 'tensorflow average', (random) => randomPool(random, 'AveragePool', 2)),
  BatchNormalization: [
    [4, 3],
    [2, 3, 5],
    [2, 4, 3, 2],
    [2, 3, 2, 2, 2],
  ].flatMap((dims) => [
    batchNorm(dims, { epsilon: float(1e-3) }, 1),
    batchNorm(dims, { epsilon: float(1e-3), training_mode: int(1), momentum: float(0.7) }, 3),
  ]),
  Norms: [
    { op: 'LayerNormalization', inputs: [{ dims: [2, 3, 8] }, vector(8), vector(8)], step: 0.01 },
    { op: 'InstanceNormalization', inputs: [{ dims: [2, 3, 4, 4] }, vector(3), vector(3)], step: 0.01 },
    {
      op: 'GroupNormalization',
      opset: 21,
      attributes: { num_groups: int(2) },
      inputs: [{ dims: [2, 6, 4, 4] }, vector(6), vector(6)],
      step: 0.01,
    },
  ],
  Products: [
    { op: 'Gemm', attributes: { transB: int(1) }, inputs: [{ dims: [3, 5] }, { dims: [4, 5] }, { dims: [4] }] },
    { op: 'Gemm', attributes: { transA: int(1), alpha: float(2) }, inputs: [{ dims: [5, 3] }, { dims: [5, 4] }] },
    { op: 'MatMul', inputs: [{ dims: [2, 3, 4] }, { dims: [4, 5] }] },
    { op: 'MatMul', inputs: [{ dims: [2, 1, 3, 4] }, { dims: [5, 4, 2] }] },
    { op: 'MatMul', inputs: [{ dims: [4] }, { dims: [2, 4, 5] }] },
  ],
  Reductions: [
    ...['ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceSum', 'ReduceL2'].flatMap((op) =>
      [[2, 3], [1], [-1, 0]].map((axes): OperatorCase => {
        const attributes = { keepdims: int(axes.length - 1) };
        return { op, attributes, inputs: [{ dims: [2, 3, 4, 2] }, int64([axes.length], axes)], step: 1e-3 };
      }),
    ),
    { op: 'GlobalAveragePool', inputs: [{ dims: [2, 3, 4, 4] }] },
    { op: 'GlobalMaxPool', inputs: [{ dims: [2, 3, 4, 4] }], step: 1e-3 },
    { op: 'Softmax', attributes: { axis: int(1) }, inputs: [{ dims: [2, 3, 4, 2] }] },
    { op: 'LogSoftmax', inputs: [{ dims: [2, 5] }] },
    { op: 'Flatten', inputs: [{ dims: [2, 3, 4, 2] }] },
  ],
};

test.each(Object.entries(CASES))('%s on TensorFlow agrees with ONNX Runtime', async (_name, cases) => {
  for (const one of cases) await checkOperator(one, engine.tf);
});

test.each(['Conv', 'BatchNormalization'])('%s agrees without the kernels of the addon', async (name) => {
  const { tf } = engine;
  const stranger: object = Object.create(tf.backend());
  const without = Object.create(tf, { backend: { value: () => stranger } }) as Tf;
  expect(ownKernels(without)).toBeUndefined();
  for (const one of CASES[name] ?? []) await checkOperator(one, without);
});

test('a step in training leaves no tensor behind', async () => {
  const { tf } = engine;
  const nodes = [
    prepare(batchNorm([4, 3, 5, 5], {}, 1)),
    prepare({ op: 'Dropout', inputs: [{ dims: [4, 3, 5, 5] }] }),
    prepare({
      op: 'Conv',
      attributes: { group: int(4) },
      inputs: [{ dims: [1, 4, 7, 7] }, { dims: [4, 1, 3, 3] }],
    }),
    prepare({
      op: 'Conv',
      attributes: { dilations: ints(2, 2) },
      inputs: [{ dims: [1, 2, 7, 7] }, { dims: [2, 2, 3, 3] }],
    }),
  ];
  const step = () =>
    tf.tidy(() => {
      for (const prepared of nodes) {
        const [x, ...others] = [...prepared.tensors.values()].map((tensor) => onEngine(tf, tensor));
        if (!x) continue;
        const f = (input: typeof x) => {
          const [y] = runOnEngine(prepared, [input, ...others], { activations: 'channelsLast', training: true, tf });
          return tf.sum(tf.square(y ?? input));
        };
        tf.grad(f)(x).dataSync();
      }
    });
  step();
  const before = tf.memory().numTensors;
  step();
  expect(tf.memory().numTensors).toBe(before);
});

test('Dropout is told by its seed', () => {
  const { tf } = engine;
  const prepared = prepare({ op: 'Dropout', inputs: [{ dims: [50, 40] }] });
  const run = (seed: number) =>
    tf.tidy(() => {
      const options = { activations: 'plain' as const, training: true, seed, tf };
      const [y] = runOnEngine(prepared, [tf.ones([50, 40])], options);
      return [...(y?.dataSync() ?? [])];
    });
  expect(run(3)).toEqual(run(3));
  expect(run(3)).not.toEqual(run(4));
  expect(run(3).filter((x) => x > 0).length / 2000).toBeCloseTo(0.5, 1);
});

test('batch statistics in training agree with ONNX Runtime’s running ones', async () => {
  const { tf } = engine;
  const prepared = prepare(batchNorm([4, 3, 2, 2], {}, 1));
  const reference = await onnxRuntime(prepare(batchNorm([4, 3, 2, 2], { training_mode: int(1) }, 3)));
  const [, mean, variance] = await reference(prepared.tensors);
  const buffers = new Map<number, ArrayLike<number>>();
  tf.tidy(() => {
    const tensors = [...prepared.tensors.values()].map((tensor) => onEngine(tf, tensor));
    const updateBuffer = (input: number, value: (typeof tensors)[number]) => buffers.set(input, value.dataSync());
    runOnEngine(prepared, tensors, { activations: 'channelsLast', training: true, tf, updateBuffer });
  });
  expectClose(buffers.get(3) ?? [], mean ? numbersOf(mean) : [], 1e-5, 'running mean');
  expectClose(buffers.get(4) ?? [], variance ? numbersOf(variance) : [], 1e-5, 'running variance');
});
