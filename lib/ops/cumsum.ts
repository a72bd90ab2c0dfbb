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
    return [tf.cumsum(x, context.physicalAxis(axis, x.rank), exclusive, reverse)];
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
