import type * as tfjs from '@tensorflow/tfjs-core';
import { intAttribute, normalizeAxis } from '../graph/attributes.js';
import {
  elementwiseCost,
  type Operator,
  type Relation,
  required,
  requiredTensor,
  type ShapedNode,
  type Tf,
  tieElementwise,
} from './operator.js';

function axisOf(shaped: Pick<ShapedNode, 'node' | 'inputs'>): number {
  return normalizeAxis(shaped.node, intAttribute(shaped.node, 'axis', -1), required(shaped, 0).dims.length);
}

/** `f`, which tfjs knows for the last axis only, along another one. */
function alongAxis(tf: Tf, x: tfjs.Tensor, axis: number, f: (x: tfjs.Tensor) => tfjs.Tensor): tfjs.Tensor {
  const last = x.rank - 1;
  if (axis === last) return f(x);
  const exchanged = x.shape.map((_, at) => (at === axis ? last : at === last ? axis : at));
  return tf.transpose(f(tf.transpose(x, exchanged)), exchanged);
}

/** Along its axis every output depends on every input: elements cannot leave without changing the others. */
function tie(shaped: ShapedNode): Relation[] {
  const axis = axisOf(shaped);
  const others = tieElementwise(shaped, 0).filter((relation) => relation.kind !== 'same' || relation.a.axis !== axis);
  const [from = ''] = shaped.node.inputs;
  const [to = ''] = shaped.node.outputs;
  const reason = `${shaped.node.op} makes one distribution of all elements along its axis`;
  const pins = [from, to].map((value): Relation => ({ kind: 'pin', at: { value, axis }, reason }));
  return [...others, ...pins];
}

/** Five operations per element: compare, subtract, exp, add, divide (or, for the logarithm, subtract). */
function softmaxOf(
  op: string,
  scores: Operator['scores'] & string,
  f: (tf: Tf, x: tfjs.Tensor) => tfjs.Tensor,
): Operator {
  return {
    op,
    scores,
    infer: (context) => {
      const { dtype, dims } = required(context, 0);
      axisOf(context);
      return [{ dtype, dims }];
    },
    run: (context) => {
      const { tf } = context;
      const x = requiredTensor(context, 0);
      return [alongAxis(tf, x, context.physicalAxis(axisOf(context), x.rank), (moved) => f(tf, moved))];
    },
    cost: (shaped) => elementwiseCost(shaped, 5),
    tie,
  };
}

export const logSoftmax = softmaxOf('LogSoftmax', 'logProbabilities', (tf, x) => tf.logSoftmax(x));
export const softmax = softmaxOf('Softmax', 'probabilities', (tf, x) => tf.softmax(x));
