import type * as tfjs from '@tensorflow/tfjs-core';
import { intAttribute, normalizeAxis } from '../graph/attributes.js';
import { floatCost } from './broadcast.js';
import { knownNumbers, requiredNumbers } from './elements.js';
import { type Operator, type Relation, required, requiredTensor, tieElementwise } from './operator.js';

/** CumSum: running sums along an axis, `exclusive` of the element itself, from the end when `reverse`. */
export const cumSum: Operator = {
  op: 'CumSum',
  infer: (context) => {
    const { dtype, dims } = required(context, 0);
    const [axis] = knownNumbers(context.inputs[1]) ?? [];
    if (axis !== undefined) normalizeAxis(context.node, axis, dims.length);
    return [{ dtype, dims }];
  },
  run: (context) => {
    const { tf, node } = context;
    const x = requiredTensor(context, 0);
    const axis = normalizeAxis(node, requiredNumbers(context, 1)[0] ?? 0, x.rank);
    const exclusive = intAttribute(node, 'exclusive', 0) !== 0;
    const reverse = intAttribute(node, 'reverse', 0) !== 0;
    const physical = context.physicalAxis(axis, x.rank);
    if (x.dtype !== 'float32') return [tf.cumsum(x, physical, exclusive, reverse)];
    // tfjs's own gradient forgets to undo the transpose that it makes for any axis but the last.
    const sum = tf.customGrad((input) => ({
      value: tf.cumsum(input as tfjs.Tensor, physical, exclusive, reverse),
      gradFunc: (dy: tfjs.Tensor) => tf.cumsum(dy, physical, exclusive, !reverse),
    }));
    return [sum(x)];
  },
  cost: floatCost,
  tie: (shaped) => {
    const { node, inputs } = shaped;
    const from = node.inputs[0];
    const rank = inputs[0]?.dims.length ?? 0;
    if (!from) return [];
    const [known] = knownNumbers(inputs[1]) ?? [];
    const axes = known === undefined ? inputs[0]?.dims.map((_, axis) => axis) : [normalizeAxis(node, known, rank)];
    const pins = axes?.map(
      (axis): Relation => ({ kind: 'pin', at: { value: from, axis }, reason: 'it is summed up in order' }),
    );
    return [...tieElementwise(shaped, 0), ...(pins ?? [])];
  },
};
