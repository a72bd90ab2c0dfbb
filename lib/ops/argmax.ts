import { intAttribute, normalizeAxis } from '../graph/attributes.js';
import {
  type Operator,
  type Relation,
  required,
  requiredTensor,
  type ShapedNode,
  tieAxes,
  wholeAxis,
} from './operator.js';

function axisOf(context: Pick<ShapedNode, 'node' | 'inputs'>): number {
  return normalizeAxis(context.node, intAttribute(context.node, 'axis', 0), required(context, 0).dims.length);
}

/** ArgMax: where along an axis the largest element stands; the last of equal ones with `select_last_index`. */
export const argMax: Operator = {
  op: 'ArgMax',
  layout: 'plain',
  infer: (context) => {
    const { dims } = required(context, 0);
    const axis = axisOf(context);
    const keepDims = intAttribute(context.node, 'keepdims', 1) !== 0;
    return [{ dtype: 'int64', dims: keepDims ? dims.with(axis, 1) : dims.toSpliced(axis, 1) }];
  },
  run: (context) => {
    const { tf, node } = context;
    const x = requiredTensor(context, 0);
    const axis = axisOf(context);
    const fromEnd = intAttribute(node, 'select_last_index', 0) !== 0;
    const last = tf.scalar((x.shape[axis] ?? 1) - 1, 'int32');
    const index = fromEnd ? tf.sub(last, tf.argMax(tf.reverse(x, axis), axis)) : tf.argMax(x, axis);
    return [intAttribute(node, 'keepdims', 1) ? tf.expandDims(index, axis) : index];
  },
  cost: ({ node, inputs }) => {
    const value = node.inputs[0];
    if (value === undefined) return [];
    const factors = inputs[0]?.dims.map((_, axis) => ({ value, axis })) ?? [];
    return [{ kind: 'elementwise', coefficient: 1, factors }];
  },
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const [input, output, from, to] = [inputs[0], outputs[0], node.inputs[0], node.outputs[0]];
    if (!input || !output || !from || !to) return [];
    const axis = axisOf(shaped);
    const keepDims = intAttribute(node, 'keepdims', 1) !== 0;
    return input.dims.flatMap((_, position): Relation[] => {
      if (position === axis)
        return [{ kind: 'pin', at: { value: from, axis }, reason: 'its elements are counted in order' }];
      const target = keepDims || position < axis ? position : position - 1;
      return tieAxes(wholeAxis(from, input, position), wholeAxis(to, output, target));
    });
  },
};
