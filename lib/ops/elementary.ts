/** Operators of one input that apply a function of the standard library to each element. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { floatCost } from './broadcast.js';
import { unaryElements } from './elements.js';
import { type Operator, required, requiredTensor, type Tf, tieElementwise } from './operator.js';

/** Round half to even, as ONNX and TensorFlow do. */
function roundEven(x: number): number {
  const nearest = Math.round(x);
  return nearest - x === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

/** Each counts as one operation per element, an exp as much as a sign change. */
function elementary(
  op: string,
  run: (tf: Tf, x: tfjs.Tensor) => tfjs.Tensor,
  evaluate: (x: number) => number,
): Operator {
  return {
    op,
    infer: (context) => {
      const { dtype, dims } = required(context, 0);
      return [{ dtype, dims, elements: unaryElements(context, evaluate) }];
    },
    run: (context) => [run(context.tf, requiredTensor(context, 0))],
    cost: floatCost,
    tie: (shaped) => tieElementwise(shaped, 0),
  };
}

export const abs = elementary('Abs', (tf, x) => tf.abs(x), Math.abs);
export const ceil = elementary('Ceil', (tf, x) => tf.ceil(x), Math.ceil);
export const cos = elementary('Cos', (tf, x) => tf.cos(x), Math.cos);
export const exp = elementary('Exp', (tf, x) => tf.exp(x), Math.exp);
export const floor = elementary('Floor', (tf, x) => tf.floor(x), Math.floor);
export const log = elementary('Log', (tf, x) => tf.log(x), Math.log);
export const neg = elementary(
  'Neg',
  (tf, x) => tf.neg(x),
  (x) => -x,
);
export const reciprocal = elementary(
  'Reciprocal',
  (tf, x) => tf.reciprocal(x),
  (x) => 1 / x,
);
export const round = elementary('Round', (tf, x) => tf.round(x), roundEven);
export const sign = elementary('Sign', (tf, x) => tf.sign(x), Math.sign);
export const sin = elementary('Sin', (tf, x) => tf.sin(x), Math.sin);
export const sqrt = elementary('Sqrt', (tf, x) => tf.sqrt(x), Math.sqrt);
