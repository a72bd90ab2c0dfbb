import { broadcastDims, tieBroadcast } from './broadcast.js';
import { elementwiseCost, mismatch, type Operator, required, requiredTensor } from './operator.js';

/** PRelu: x, or slope·x where x is negative. The slope broadcasts to x, in that direction only. */
export const prelu: Operator = {
  op: 'PRelu',
  parameters: [1],
  infer: (context) => {
    const { dtype, dims } = required(context, 0);
    const slope = required(context, 1).dims;
    if (
      broadcastDims(context, [dims, slope]).some(
        (extent, axis) => typeof extent === 'number' && extent !== dims[axis] && typeof dims[axis] === 'number',
      )
    )
      throw mismatch(context.node, `slope [${slope}] does not broadcast to the input's shape [${dims}].`);
    return [{ dtype, dims }];
  },
  run: (context) => [context.tf.prelu(requiredTensor(context, 0), requiredTensor(context, 1))],
  cost: (shaped) => elementwiseCost(shaped),
  tie: (shaped) => tieBroadcast(shaped),
  role: () => 'nonlinearity',
};
