/** Min and Max of any number of inputs, broadcast from the right. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Dim } from '../graph/graph.js';
import { broadcastDims, broadcastTo, elementsAs, floatCost, followFloats, tieBroadcast } from './broadcast.js';
import {
  type CostTerm,
  type InferContext,
  type Operator,
  required,
  requiredTensor,
  type ShapedNode,
  type Tf,
  tieElementwise,
} from './operator.js';

function extreme(
  op: string,
  run: (tf: Tf, a: tfjs.Tensor, b: tfjs.Tensor) => tfjs.Tensor,
  evaluate: (a: number, b: number) => number,
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
      const lists = types.map((type) => elementsAs(type, dims));
      const elements = lists.every((list) => list !== undefined) ? reduceLists(context, lists, evaluate) : undefined;
      return [{ dtype: required(context, 0).dtype, dims, elements }];
    },
    run: (context) => {
      const [first, ...rest] = context.inputs.map((_, index) => requiredTensor(context, index));
      if (!first) return [];
      return [rest.length ? rest.reduce((a, b) => pairwise(context.tf, a, b, run), first) : context.tf.clone(first)];
    },
    cost: comparisons,
    tie: (shaped) => (shaped.inputs.length === 1 ? tieElementwise(shaped, 0) : tieBroadcast(shaped)),
  };
}

/** tfjs gives an operand that is repeated a gradient of the wrong shape here, so both are brought to one shape first. */
function pairwise(
  tf: Tf,
  a: tfjs.Tensor,
  b: tfjs.Tensor,
  run: (tf: Tf, a: tfjs.Tensor, b: tfjs.Tensor) => tfjs.Tensor,
) {
  const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  return run(tf, broadcastTo(tf, a, shape), broadcastTo(tf, b, shape));
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

/** One comparison for each element and each input after the first. */
function comparisons(shaped: ShapedNode): CostTerm[] {
  const count = shaped.inputs.length - 1;
  return count === 0 ? [] : floatCost(shaped).map((term) => ({ ...term, coefficient: term.coefficient * count }));
}

export const min = extreme('Min', (tf, a, b) => tf.minimum(a, b), Math.min);
export const max = extreme('Max', (tf, a, b) => tf.maximum(a, b), Math.max);
