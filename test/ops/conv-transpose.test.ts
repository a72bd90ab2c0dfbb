import { test } from '@jest/globals';
import type { Attribute } from '../../lib/graph/graph.js';
import type { RandomGenerator } from '../../lib/graph/random.js';
import { checkOperator, int, ints, manyCases, type OperatorCase, oneOf, string } from './harness.js';

function randomTransposed(random: RandomGenerator, axes: number): OperatorCase {
  const list = (make: () => number) => Array.from({ length: axes }, make);
  const kernel = list(() => 1 + random.int(3));
  const strides = list(() => 1 + random.int(3));
  const dilations = list(() => oneOf(random, [1, 1, 2]));
  const group = oneOf(random, [1, 1, 2, 3]);
  const [perGroupIn, perGroupOut] = [1 + random.int(2), 1 + random.int(2)];
  const attributes: Record<string, Attribute> = {
    strides: ints(...strides),
    dilations: ints(...dilations),
    group: int(group),
  };
  const spatial = list(() => 3 + random.int(4));
  const choice = random.next();
  if (choice < 0.2) attributes.auto_pad = string(oneOf(random, ['SAME_UPPER', 'SAME_LOWER']));
  else if (choice < 0.7) {
    const limit = kernel.map((extent, axis) => (extent - 1) * (dilations[axis] ?? 1) + 1);
    attributes.pads = ints(...limit.map((most) => random.int(most)), ...limit.map((most) => random.int(most)));
    attributes.output_padding = ints(...strides.map((stride) => random.int(stride)));
  }
  const bias = random.next() < 0.5 ? [{ dims: [group * perGroupOut] }] : [];
  const weight = { dims: [group * perGroupIn, perGroupOut, ...kernel] };
  return {
    op: 'ConvTranspose',
    attributes,
    inputs: [{ dims: [1 + random.int(2), group * perGroupIn, ...spatial] }, weight, ...bias],
  };
}

test('transposed convolutions agree with ONNX Runtime', async () => {
  for (const axes of [1, 2])
    for (const one of manyCases(20, `transposed ${axes}`, (random) => randomTransposed(random, axes)))
      await checkOperator(one);
});

test('output_shape decides the padding', async () => {
  for (const output of [
    [9, 9],
    [10, 11],
    [8, 10],
  ])
    for (const pad of ['NOTSET', 'SAME_UPPER', 'SAME_LOWER'])
      await checkOperator({
        op: 'ConvTranspose',
        attributes: { strides: ints(2, 2), output_shape: ints(...output), auto_pad: string(pad) },
        inputs: [{ dims: [1, 2, 5, 5] }, { dims: [2, 3, 3, 3] }],
      });
});
