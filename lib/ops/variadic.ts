/** Max, Mean, Min and Sum of any number of inputs, broadcast from the right. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Dim } from '../graph/graph.js';
import { broadcastDims, broadcastTo, elementsAs, floatCost, followFloats, tieBroadcast } from './broadcast.js';
import {
  type CostTerm,
  type InferContext,
  type Operator,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
  type Tf,
  tieElementwise,
} from './operator.js';

/** `evaluate` on pairs of known elements; `run` on all tensors. */
function variadic(
  op: string,
  run: (tensors: tfjs.Tensor[], context: RunContext) => tfjs.Tensor,
  evaluate?: (a: number, b: number) => number,
): Operator {
  return {
    op,
    layout: followFloats,
    infer: (context) => {
      const types = context.inputs.map((_, index) => required(context, index));
      const dims = broadcastDims(
        context,
        types.map((type) => type.dims),
      );
      const lists = evaluate && types.map((type) => elementsAs(type, dims));
      const elements =
        evaluate && lists?.every((list) => list !== undefined) ? reduceLists(context, lists, evaluate) : undefined;
      return [{ dtype: required(context, 0).dtype, dims, elements }];
    },
    run: (context) => {
      const tensors = context.inputs.map((_, index) => requiredTensor(context, index));
      const [only] = tensors;
      return [tensors.length === 1 && only ? context.tf.clone(only) : run(tensors, context)];
    },
    cost: pairwiseCost,
    tie: (shaped) => (shaped.inputs.length === 1 ? tieElementwise(shaped, 0) : tieBroadcast(shaped)),
  };
}

/**
 * The largest or smallest of each element. tfjs gives an operand that is repeated a gradient of the wrong shape here, so
 * all are brought to one shape first; a known number has no gradient.
 */
function extreme(run: (tf: Tf, a: tfjs.Tensor, b: tfjs.Tensor) => tfjs.Tensor) {
  return (tensors: tfjs.Tensor[], { tf, inputs }: RunContext): tfjs.Tensor => {
    const shape = commonShape(tf, tensors);
    return tensors
      .map((tensor, index) => (inputs[index]?.elements?.length === 1 ? tensor : broadcastTo(tf, tensor, shape)))
      .reduce((a, b) => run(tf, a, b));
  };
}

function sumOf(tf: Tf, tensors: tfjs.Tensor[]): tfjs.Tensor {
  const shape = commonShape(tf, tensors).join();
  const alike = tensors.every((tensor) => tensor.shape.join() === shape);
  return alike ? tf.addN(tensors) : tensors.reduce((a, b) => tf.add(a, b));
}

function commonShape(tf: Tf, tensors: tfjs.Tensor[]): number[] {
  return tensors.reduce<number[]>((dims, { shape }) => tf.broadcast_util.assertAndGetBroadcastShape(dims, shape), []);
}

function reduceLists(context: InferContext, lists: Dim[][], evaluate: (a: number, b: number) => number): Dim[] {
  return lists.reduce((a, b) =>
    a.map((x, index) => {
      const y = b[index] ?? 0;
      if (x === y) return x;
      return typeof x === 'number' && typeof y === 'number' ? evaluate(x, y) : context.unknown();
    }),
  );
}

/** One operation for each element and each input after the first. */
function pairwiseCost(shaped: ShapedNode): CostTerm[] {
  const count = shaped.inputs.length - 1;
  return count === 0 ? [] : floatCost(shaped).map((term) => ({ ...term, coefficient: term.coefficient * count }));
}

export const max = variadic(
  'Max',
  extreme((tf, a, b) => tf.maximum(a, b)),
  Math.max,
);
export const mean = variadic('Mean', (tensors, { tf }) => tf.div(sumOf(tf, tensors), tensors.length));
export const min = variadic(
  'Min',
  extreme((tf, a, b) => tf.minimum(a, b)),
  Math.min,
);
export const sum: Operator = { ...variadic('Sum', (tensors, { tf }) => sumOf(tf, tensors)), role: () => 'sum' };
