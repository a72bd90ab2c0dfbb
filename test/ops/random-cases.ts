/** Random nodes for the operators whose geometry has many cases; each is valid for ONNX Runtime. */

import type { Attribute } from '../../lib/graph/graph.js';
import type { RandomGenerator } from '../../lib/graph/random.js';
import { int, ints, type OperatorCase, oneOf, string } from './harness.js';

/** A random convolution that is valid: extents are chosen so that one window fits at least. */
export function randomConv(
  random: RandomGenerator,
  axes: number,
  kind: 'dense' | 'grouped' | 'depthwise',
): OperatorCase {
  const list = (make: () => number) => Array.from({ length: axes }, make);
  const kernel = list(() => 1 + random.int(3));
  const strides = list(() => 1 + random.int(3));
  const autoPad = oneOf(random, ['NOTSET', 'NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER']);
  // ONNX Runtime refuses dilation together with SAME.
  const dilations = list(() => (autoPad.startsWith('SAME') ? 1 : oneOf(random, [1, 1, 1, 2, 3])));
  const group = kind === 'dense' ? 1 : 2 + random.int(3);
  const perGroup = kind === 'depthwise' ? 1 : 1 + random.int(3);
  const outChannels = group * (1 + random.int(3));
  const spatial = kernel.map((extent, axis) => (extent - 1) * (dilations[axis] ?? 1) + 1 + random.int(6));
  const attributes: Record<string, Attribute> = { strides: ints(...strides), dilations: ints(...dilations) };
  if (group > 1) attributes.group = int(group);
  if (random.next() < 0.5) attributes.kernel_shape = ints(...kernel);
  if (autoPad !== 'NOTSET') attributes.auto_pad = string(autoPad);
  else if (random.next() < 0.8) attributes.pads = ints(...list(() => random.int(3)), ...list(() => random.int(3)));
  const weight = { dims: [outChannels, perGroup, ...kernel] };
  const bias = random.next() < 0.5 ? [{ dims: [outChannels] }] : [];
  return {
    op: 'Conv',
    attributes,
    inputs: [{ dims: [1 + random.int(3), group * perGroup, ...spatial] }, weight, ...bias],
  };
}

export function randomTransposed(random: RandomGenerator, axes: number): OperatorCase {
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

export function randomPool(random: RandomGenerator, op: 'MaxPool' | 'AveragePool', axes: number): OperatorCase {
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
