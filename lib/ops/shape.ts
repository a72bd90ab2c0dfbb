/** Shape and Size: where shape arithmetic begins. */

import { intAttribute } from '../graph/attributes.js';
import { extentOf, productOf } from './elements.js';
import { type Operator, type RunContext, required, requiredTensor } from './operator.js';

/** The shape of input 0 in logical order. */
function logicalShape(context: RunContext): number[] {
  const x = requiredTensor(context, 0);
  return x.shape.map((_, axis) => x.shape[context.physicalAxis(axis, x.rank)] ?? 1);
}

/** Shape: the extents from `start` to `end`, which count from the end when negative. */
export const shape: Operator = {
  op: 'Shape',
  infer: (context) => {
    const { dims } = required(context, 0);
    const elements = dims.slice(intAttribute(context.node, 'start', 0), intAttribute(context.node, 'end', dims.length));
    return [{ dtype: 'int64', dims: [elements.length], elements }];
  },
  run: (context) => {
    const dims = logicalShape(context);
    const { node } = context;
    return [
      context.tf.tensor1d(dims.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', dims.length)), 'int32'),
    ];
  },
  cost: () => [],
  tie: () => [],
};

/** Size: the number of elements. */
export const size: Operator = {
  op: 'Size',
  infer: (context) => {
    const { dims } = required(context, 0);
    const total = extentOf(productOf(dims)) ?? context.unknown();
    return [{ dtype: 'int64', dims: [], elements: [total] }];
  },
  run: (context) => [context.tf.scalar(requiredTensor(context, 0).size, 'int32')],
  cost: () => [],
  tie: () => [],
};
