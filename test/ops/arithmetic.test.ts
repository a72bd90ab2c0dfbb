import { expect, test } from '@jest/globals';
import type { Tensor as EngineTensor } from '@tensorflow/tfjs-core';
import type { Dim } from '../../lib/graph/graph.js';
import type { RandomGenerator } from '../../lib/graph/random.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { operatorOf } from '../../lib/ops/registry.js';
import {
  checkOperator,
  int,
  manyCases,
  type OperatorCase,
  oneOf,
  type PreparedCase,
  prepare,
  type RandomInput,
} from './harness.js';
import { cpu, runOnEngine } from './run-on-engine.js';

/** Shapes that broadcast to one of one to five axes: any axis of either may be 1 or left out in front. */
function broadcasting(random: RandomGenerator, count: number): number[][] {
  const dims = Array.from({ length: 1 + random.int(5) }, () => 1 + random.int(4));
  return Array.from({ length: count }, (_, index) => {
    const thinned = dims.map((extent) => (random.int(3) === 0 ? 1 : extent));
    return index === 0 && random.int(2) ? dims : thinned.slice(random.int(3) === 0 ? random.int(dims.length + 1) : 0);
  });
}

function binary(
  op: string,
  inputs: (random: RandomGenerator) => Omit<RandomInput, 'dims'>[],
  more: Partial<OperatorCase> = {},
) {
  return manyCases(28, op, (random): OperatorCase => {
    const kinds = inputs(random);
    const shapes = broadcasting(random, kinds.length);
    return {
      op,
      inputs: kinds.map((kind, index) => ({ ...kind, dims: shapes[index] ?? [] })),
      seed: random.int(1e6),
      ...more,
    };
  });
}

const plain = () => [{}, {}];
const CASES: Record<string, OperatorCase[]> = {
  Add: binary('Add', plain),
  Sub: binary('Sub', plain),
  Mul: binary('Mul', plain),
  Div: binary('Div', () => [{}, { low: 0.5, high: 2 }]),
  Pow: binary('Pow', () => [
    { low: 0.5, high: 2 },
    { low: -2, high: 2 },
  ]),
  Min: binary('Min', (random) => Array.from({ length: 1 + random.int(4) }, () => ({ low: -30, high: 30 }))),
  Max: binary('Max', (random) => Array.from({ length: 1 + random.int(4) }, () => ({ low: -30, high: 30 }))),
  Sum: binary('Sum', (random) => Array.from({ length: 1 + random.int(4) }, () => ({}))),
  Mean: binary('Mean', (random) => Array.from({ length: 1 + random.int(4) }, () => ({}))),
  Mod: [
    ...binary('Mod', () => [
      { dtype: 'int64', low: -20, high: 20 },
      { dtype: 'int64', low: 1, high: 7 },
    ]),
    ...binary(
      'Mod',
      () => [
        { low: -5, high: 5 },
        { low: 0.5, high: 2 },
      ],
      { attributes: { fmod: int(1) }, gradients: false },
    ),
  ],
  Where: binary('Where', () => [{ dtype: 'bool' }, {}, {}]),
};
for (const op of ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'])
  CASES[op] = binary(op, (random) => {
    const dtype = oneOf(random, ['float32', 'int64'] as const);
    const kind = { dtype, low: 0, high: 3, constant: random.int(2) === 0 };
    return [kind, kind];
  });
for (const op of ['And', 'Or'])
  CASES[op] = binary(op, (random) => {
    const kind = { dtype: 'bool' as const, constant: random.int(2) === 0 };
    return [kind, kind];
  });

for (const [op, cases] of Object.entries(CASES))
  test(`${op} agrees with ONNX Runtime and finite differences`, async () => {
    for (const one of cases) await checkOperator(one);
  });

test.each(['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max', 'Mod'])('%s of known integers knows the elements', async (op) => {
  for (const one of binary(op, () => {
    const kind = { dtype: 'int64' as const, low: op === 'Mod' || op === 'Div' ? 1 : -20, high: 20, constant: true };
    return [{ ...kind, low: -20 }, kind];
  })) {
    expect(prepare(one).shaped.outputs[0]?.elements).toBeDefined();
    await checkOperator(one);
  }
});

test('Pow with a constant exponent agrees with ONNX Runtime and finite differences', async () => {
  for (const exponent of [2, 0.5, -1, 3, 1])
    await checkOperator({
      op: 'Pow',
      inputs: [
        { dims: [2, 3, 4, 5], low: 0.5, high: 2 },
        { dtype: 'float32', dims: [], data: Float32Array.of(exponent) },
      ],
    });
});

test('Max with a known number agrees with ONNX Runtime and finite differences', async () => {
  const zero: Tensor = { dtype: 'float32', dims: [1], data: Float32Array.of(0.1) };
  await checkOperator({ op: 'Max', inputs: [{ dims: [2, 3, 4, 5], low: -30, high: 30 }, zero] });
  await checkOperator({
    op: 'Min',
    inputs: [zero, { dims: [2, 3], low: -30, high: 30 }, { dims: [3], low: -30, high: 30 }],
  });
});

test.each(['Greater', 'Less', 'Equal', 'GreaterOrEqual', 'LessOrEqual'])('%s stops the gradient', (op) => {
  const values = cpu.tensor1d([-2, 0.5, 3]);
  const prepared = prepare({ op, inputs: [{ dims: [3] }, { dims: [1] }] });
  const negate = prepare({ op: 'Not', inputs: [{ dims: [3], dtype: 'bool' }] });
  const toFloat = prepare({ op: 'Cast', attributes: { to: int(1) }, inputs: [{ dims: [3], dtype: 'bool' }] });
  const run = (one: PreparedCase, ...tensors: EngineTensor[]) =>
    runOnEngine(one, tensors, { activations: 'plain' })[0] as EngineTensor;
  const masked = (x: EngineTensor) => {
    const mask = run(prepared, x, cpu.tensor1d([1]));
    return cpu.sum(cpu.where(mask, cpu.square(x), cpu.mul(x, run(toFloat, run(negate, mask)))));
  };
  const holds = values
    .arraySync()
    .map((x) => ({ Greater: x > 1, Less: x < 1, Equal: x === 1, GreaterOrEqual: x >= 1, LessOrEqual: x <= 1 })[op]);
  const expected = values.arraySync().map((x, index) => (holds[index] ? 2 * x : 1));
  expect([...cpu.grad(masked)(values).dataSync()]).toEqual(expected);
});

test('Not agrees with ONNX Runtime', async () => {
  await checkOperator({ op: 'Not', inputs: [{ dims: [2, 3], dtype: 'bool' }] });
  await checkOperator({ op: 'Not', inputs: [{ dims: [2, 3], dtype: 'bool', constant: true }] });
});

/** Elements of `op` over known elements that may be symbols. */
function elements(op: string, ...inputs: Dim[][]): Dim[] | undefined {
  const node = { name: 'n', op, domain: '', inputs: inputs.map((_, i) => `${i}`), outputs: ['out'], attributes: {} };
  let symbols = 0;
  const types = inputs.map((list) => ({ dtype: 'int64' as const, dims: [list.length], elements: list }));
  const context = { node, opset: 18, inputs: types, unknown: () => `?${symbols++}` };
  return operatorOf(node)?.infer(context)[0]?.elements;
}

test('symbols pass through neutral arithmetic and become new ones otherwise', () => {
  expect(elements('Add', ['N', 2, 'N'], [0, 3, 1])).toEqual(['N', 5, '?0']);
  expect(elements('Sub', ['N', 'N', 7], [0, 'N', 9])).toEqual(['N', 0, -2]);
  expect(elements('Mul', ['N', 1, 4], [1, 'M', 5])).toEqual(['N', 'M', 20]);
  expect(elements('Div', ['N', 'N', -7], [1, 'N', 2])).toEqual(['N', 1, -3]);
  expect(elements('Equal', ['N', 'N', 3, 'N'], ['N', -1, 3, 3])).toEqual([1, 0, 1, '?0']);
  expect(elements('Where', [1, 0, '?c'], ['N', 5, 6], [8, 'M', 6])).toEqual(['N', 'M', 6]);
  expect(elements('Min', ['N', 3], ['N', 2])).toEqual(['N', 2]);
});

/** The broadcast shape that Add infers. */
function broadcast(...shapes: Dim[][]): Dim[] | undefined {
  const node = { name: 'n', op: 'Add', domain: '', inputs: ['a', 'b'], outputs: ['out'], attributes: {} };
  const types = shapes.map((dims) => ({ dtype: 'float32' as const, dims }));
  return operatorOf(node)?.infer({ node, opset: 18, inputs: types, unknown: () => '?' })[0]?.dims;
}

test('shapes with symbols broadcast', () => {
  expect(broadcast(['N', 3, 'H', 1], [3, 1, 5])).toEqual(['N', 3, 'H', 5]);
  expect(broadcast(['N', 'C'], ['N', 7])).toEqual(['N', 7]);
  expect(broadcast(['?0'], ['N'])).toEqual(['N']);
  expect(() => broadcast(['N', 3], ['N', 4])).toThrow('Add "n": shapes [N,3] and [N,4] do not broadcast: 3 against 4');
});
