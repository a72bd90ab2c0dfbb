/** Costs against counts made by walking over every output element, and against published figures. */

import { expect, test } from '@jest/globals';
import type { RandomGenerator } from '../../lib/graph/random.js';
import { sizeOf } from '../../lib/graph/tensor.js';
import { int, ints, manyCases, type OperatorCase, oneOf, prepare } from './harness.js';
import { randomConv, randomPool, randomTransposed } from './random-cases.js';

/** The cost of a case, by kind. */
function costOf(test: OperatorCase): { macs: number; elementwise: number } {
  const { operator, shaped } = prepare(test);
  const extents = new Map<string, (number | string)[]>();
  for (const [index, name] of shaped.node.inputs.entries()) extents.set(name, shaped.inputs[index]?.dims ?? []);
  for (const [index, name] of shaped.node.outputs.entries()) extents.set(name, shaped.outputs[index]?.dims ?? []);
  const total = { macs: 0, elementwise: 0 };
  for (const { kind, coefficient, factors } of operator.cost(shaped))
    total[kind] += factors.reduce(
      (product, { value, axis }) => product * Number(extents.get(value)?.[axis]),
      coefficient,
    );
  return total;
}

const outputsOf = (test: OperatorCase) => (prepare(test).shaped.outputs[0]?.dims ?? []).map(Number);
const dimsOf = (test: OperatorCase, input: number) => test.inputs[input]?.dims ?? [];

test('a convolution multiplies each output element with its kernel over the channels of its group', () => {
  for (const kind of ['dense', 'grouped', 'depthwise'] as const)
    for (const one of manyCases(20, `cost ${kind}`, (random) => randomConv(random, 2, kind))) {
      const [, ...sample] = outputsOf(one);
      const [, ...filter] = dimsOf(one, 1);
      const outputs = sizeOf(sample);
      const bias = one.inputs[2] ? sizeOf(outputsOf(one)) : 0;
      expect(costOf(one)).toEqual({ macs: outputs * sizeOf(filter), elementwise: bias });
    }
});

test('a transposed convolution multiplies each input element with its kernel for the outputs of its group', () => {
  for (const one of manyCases(20, 'cost transposed', (random) => randomTransposed(random, 2))) {
    const [, ...sample] = dimsOf(one, 0);
    const [, ...filter] = dimsOf(one, 1);
    expect(costOf(one).macs).toBe(sizeOf(sample) * sizeOf(filter));
  }
});

test('a product of matrices sums over the inner extent for each output element', () => {
  const gemm = (random: RandomGenerator): OperatorCase => {
    const [m, k, n] = [1 + random.int(5), 1 + random.int(5), 1 + random.int(5)];
    const transB = random.int(2);
    return {
      op: 'Gemm',
      attributes: { transB: int(transB) },
      inputs: [{ dims: [m, k] }, { dims: transB ? [n, k] : [k, n] }],
    };
  };
  for (const one of manyCases(10, 'cost gemm', gemm))
    expect(costOf(one).macs).toBe(sizeOf(outputsOf(one)) * (dimsOf(one, 0)[1] ?? 0));
  const stacked: OperatorCase = { op: 'MatMul', inputs: [{ dims: [2, 1, 3, 4] }, { dims: [5, 4, 6] }] };
  expect(costOf(stacked).macs).toBe(2 * 5 * 3 * 6 * 4);
});

test('a pool does one operation per element of each window', () => {
  for (const one of manyCases(10, 'cost pool', (random) =>
    randomPool(random, oneOf(random, ['MaxPool', 'AveragePool']), 2),
  )) {
    const kernel = one.attributes?.kernel_shape;
    expect(costOf(one)).toEqual({
      macs: 0,
      elementwise: sizeOf(outputsOf(one)) * (kernel?.type === 'ints' ? sizeOf(kernel.value) : 0),
    });
  }
});

test('published figures: a depthwise-separable layer of MobileNetV1', () => {
  const attributes = { group: int(256), pads: ints(1, 1, 1, 1) };
  const depthwise = { op: 'Conv', attributes, inputs: [{ dims: [1, 256, 14, 14] }, { dims: [256, 1, 3, 3] }] };
  const pointwise = { op: 'Conv', inputs: [{ dims: [1, 256, 14, 14] }, { dims: [512, 256, 1, 1] }] };
  // Howard et al. (arXiv 1704.04861), section 3.1: Dk·Dk·M·Df·Df + M·N·Df·Df.
  expect(costOf(depthwise).macs + costOf(pointwise).macs).toBe(3 * 3 * 256 * 14 * 14 + 256 * 512 * 14 * 14);
});
