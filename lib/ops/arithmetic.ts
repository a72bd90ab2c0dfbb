/** Operators of two inputs that compute with each pair of elements, broadcast from the right. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { intAttribute } from '../graph/attributes.js';
import type { Dim } from '../graph/graph.js';
import { broadcastDims, floatCost, followFloats, isFloat, tieBroadcast } from './broadcast.js';
import { binaryElements, extentOf, productOf, quotientOf } from './elements.js';
import { type Operator, type Role, type RunContext, required, requiredTensor, type ShapedNode } from './operator.js';

interface Arithmetic {
  op: string;
  /** On known elements; undefined where a symbol makes the result a new extent. */
  evaluate(a: Dim, b: Dim, shaped: Pick<ShapedNode, 'inputs' | 'node'>): Dim | undefined;
  run(a: tfjs.Tensor, b: tfjs.Tensor, context: RunContext): tfjs.Tensor;
  parameters?: readonly number[];
  role?: Role;
}

function arithmetic({ op, evaluate, run, parameters, role }: Arithmetic): Operator {
  return {
    op,
    layout: followFloats,
    ...(parameters ? { parameters } : {}),
    ...(role ? { role: () => role } : {}),
    infer: (context) => {
      const a = required(context, 0);
      const dims = broadcastDims(context, [a.dims, required(context, 1).dims]);
      const elements = binaryElements(context, dims, a.dtype, (x, y) => evaluate(x, y, context));
      return [{ dtype: a.dtype, dims, elements }];
    },
    run: (context) => [run(requiredTensor(context, 0), requiredTensor(context, 1), context)],
    cost: floatCost,
    tie: (shaped) => tieBroadcast(shaped),
  };
}

/** `f` of two numbers; undefined when either is a symbol. */
function numeric(a: Dim, b: Dim, f: (a: number, b: number) => number): number | undefined {
  return typeof a === 'number' && typeof b === 'number' ? f(a, b) : undefined;
}

export const add = arithmetic({
  op: 'Add',
  parameters: [0, 1],
  evaluate: (a, b) => (b === 0 ? a : a === 0 ? b : numeric(a, b, (x, y) => x + y)),
  run: (a, b, { tf }) => tf.add(a, b),
  role: 'sum',
});

export const sub = arithmetic({
  op: 'Sub',
  parameters: [0, 1],
  evaluate: (a, b) => (b === 0 ? a : a === b ? 0 : numeric(a, b, (x, y) => x - y)),
  run: (a, b, { tf }) => tf.sub(a, b),
});

export const mul = arithmetic({
  op: 'Mul',
  parameters: [0, 1],
  evaluate: (a, b) => numeric(a, b, (x, y) => x * y) ?? extentOf(productOf([a, b])),
  run: (a, b, { tf }) => tf.mul(a, b),
  role: 'product',
});

/** Div: of integers, it rounds towards zero. */
export const div = arithmetic({
  op: 'Div',
  parameters: [0, 1],
  evaluate: (a, b, { inputs }) =>
    typeof a === 'string'
      ? quotientOf(productOf([a]), productOf([b]))
      : numeric(a, b, (x, y) => (isFloat(inputs[0]) ? x / y : Math.trunc(x / y))),
  run: (a, b, { tf }) =>
    a.dtype === 'int32' ? tf.mul(tf.floorDiv(tf.abs(a), tf.abs(b)), tf.mul(tf.sign(a), tf.sign(b))) : tf.div(a, b),
});

/** Pow: the result has the base's type. Constant exponents that have an operation of their own use it. */
export const pow = arithmetic({
  op: 'Pow',
  evaluate: (a, b) => (b === 1 ? a : numeric(a, b, (x, y) => x ** y)),
  run: (a, b, { tf, inputs }) => {
    const exponent = inputs[1]?.elements?.length === 1 ? inputs[1].elements[0] : undefined;
    const keepsShape = b.size === 1 && b.rank <= a.rank && a.dtype === 'float32';
    if (keepsShape && exponent === 2) return tf.square(a);
    if (keepsShape && exponent === 0.5) return tf.sqrt(a);
    if (keepsShape && exponent === -1) return tf.reciprocal(a);
    return tf.cast(tf.pow(a, tf.cast(b, a.dtype)), a.dtype);
  },
});

/** Mod: with the sign of the divisor, or, with `fmod`, that of the dividend, as C's fmod. */
export const mod = arithmetic({
  op: 'Mod',
  evaluate: (a, b, { node }) =>
    numeric(a, b, (x, y) => (intAttribute(node, 'fmod', 0) ? x % y : x - y * Math.floor(x / y))),
  run: (a, b, { tf, node }) => {
    if (!intAttribute(node, 'fmod', 0)) return tf.mod(a, b);
    return tf.mul(tf.mod(tf.abs(a), tf.abs(b)), tf.sign(a));
  },
});
