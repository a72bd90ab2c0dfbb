import type { Dim } from '../graph/graph.js';
import { broadcastDims, broadcastTo, elementsAs, floatCost, followFloats, tieBroadcast } from './broadcast.js';
import { type Operator, required, requiredTensor } from './operator.js';

/** Where: input 1 where the condition holds, input 2 elsewhere; all three broadcast. */
export const where: Operator = {
  op: 'Where',
  layout: followFloats,
  infer: (context) => {
    const types = [required(context, 0), required(context, 1), required(context, 2)] as const;
    const dims = broadcastDims(
      context,
      types.map((type) => type.dims),
    );
    const [condition, a, b] = types.map((type) => elementsAs(type, dims));
    const elements =
      condition &&
      a &&
      b &&
      condition.map((holds, index): Dim => {
        const x = a[index] ?? 0;
        const y = b[index] ?? 0;
        if (typeof holds === 'number') return holds ? x : y;
        return x === y ? x : context.unknown();
      });
    return [{ dtype: types[1].dtype, dims, elements }];
  },
  run: (context) => {
    const { tf } = context;
    const [condition, a, b] = [0, 1, 2].map((index) => requiredTensor(context, index));
    if (!condition || !a || !b) return [];
    // tfjs would repeat the smaller ones itself, but its gradient of that costs a slice for each copy.
    const shape = [a, b].reduce(
      (dims, { shape: other }) => tf.broadcast_util.assertAndGetBroadcastShape(dims, other),
      condition.shape,
    );
    return [tf.where(tf.cast(condition, 'bool'), broadcastTo(tf, a, shape), broadcastTo(tf, b, shape))];
  },
  cost: floatCost,
  tie: (shaped) => tieBroadcast(shaped),
};
