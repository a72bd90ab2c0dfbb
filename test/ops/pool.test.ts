import { expect, test } from '@jest/globals';
import type { Attribute } from '../../lib/graph/graph.js';
import type { RandomGenerator } from '../../lib/graph/random.js';
import { checkOperator, int, ints, manyCases, type OperatorCase, oneOf, prepare, string } from './harness.js';

function randomPool(random: RandomGenerator, op: 'MaxPool' | 'AveragePool', axes: number): OperatorCase {
  const list = (make: () => number) => Array.from({ length: axes }, make);
  const kernel = list(() => 1 + random.int(4));
  const autoPad = oneOf(random, ['NOTSET', 'NOTSET', 'NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER']);
  const dilations = list(() => (autoPad === 'NOTSET' ? oneOf(random, [1, 1, 1, 2]) : 1));
  const reach = kernel.map((extent, axis) => (extent - 1) * (dilations[axis] ?? 1) + 1);
  const attributes: Record<string, Attribute> = {
    kernel_shape: ints(...kernel),
    // With SAME and a stride beyond the kernel ONNX Runtime refuses MaxPool and shifts AveragePool, against the standard.
    strides: ints(...kernel.map((extent) => 1 + random.int(autoPad.startsWith('SAME') ? Math.min(3, extent) : 3))),
    dilations: ints(...dilations),
  };
  if (autoPad !== 'NOTSET') attributes.auto_pad = string(autoPad);
  else {
    // ONNX Runtime wants less padding than the kernel.
    const pads = () => kernel.map((extent) => random.int(Math.min(3, extent)));
    if (random.next() < 0.7) attributes.pads = ints(...pads(), ...pads());
    if (random.next() < 0.5) attributes.ceil_mode = int(1);
  }
  if (op === 'AveragePool' && random.next() < 0.5) attributes.count_include_pad = int(1);
  const spatial = reach.map((extent) => extent + random.int(6));
  return {
    op,
    opset: 19,
    attributes,
    inputs: [{ dims: [1 + random.int(2), 1 + random.int(3), ...spatial] }],
    step: 1e-3,
  };
}

test.each(['MaxPool', 'AveragePool'] as const)('%s agrees with ONNX Runtime', async (op) => {
  for (const axes of [1, 2])
    for (const one of manyCases(30, `${op} ${axes}`, (random) => randomPool(random, op, axes)))
      await checkOperator(one);
});

test('SqueezeNet’s ceil_mode and ResNet’s padded pool', async () => {
  for (const extent of [5, 6, 13, 27])
    for (const attributes of [{ ceil_mode: int(1) }, { pads: ints(1, 1, 1, 1) }])
      await checkOperator({
        op: 'MaxPool',
        attributes: { kernel_shape: ints(3, 3), strides: ints(2, 2), ...attributes },
        inputs: [{ dims: [2, 3, extent, extent], low: -3, high: -1 }],
        step: 1e-3,
      });
});

test.each(['GlobalAveragePool', 'GlobalMaxPool'])('%s agrees with ONNX Runtime', async (op) => {
  for (const dims of [
    [2, 3, 5],
    [1, 4, 3, 3],
    [2, 1, 1, 1],
    [2, 2, 3, 2, 2],
  ])
    await checkOperator({ op, inputs: [{ dims }], step: 1e-3 });
});

test('a window larger than its input is refused', () => {
  const attributes = { kernel_shape: ints(3, 3) };
  expect(() => prepare({ op: 'MaxPool', attributes, inputs: [{ dims: [1, 1, 2, 2] }] })).toThrow('does not fit');
});
