import { sizeOf } from '../graph/tensor.js';
import { broadcastTo } from './broadcast.js';
import { extentOf, productOf, requiredNumbers } from './elements.js';
import { mismatch, type Operator, type Relation, required, requiredTensor } from './operator.js';

/** Tile: the input repeated a number of times along each axis. */
export const tile: Operator = {
  op: 'Tile',
  layout: 'plain',
  infer: (context) => {
    const { dtype, dims } = required(context, 0);
    const repeats = required(context, 1).elements;
    if (repeats && repeats.length !== dims.length)
      throw mismatch(context.node, `repeats [${repeats}] should be ${dims.length} numbers, one for each axis.`);
    const out = dims.map((extent, axis) => {
      const count = repeats?.[axis];
      return (count === undefined ? undefined : extentOf(productOf([count, extent]))) ?? context.unknown();
    });
    return [{ dtype, dims: out }];
  },
  run: (context) => {
    const { tf } = context;
    const original = requiredTensor(context, 0);
    const repeats = requiredNumbers(context, 1);
    let x = original;
    repeats.forEach((count, axis) => {
      if (count === 1) return;
      const before = sizeOf(x.shape.slice(0, axis));
      const rest = sizeOf(x.shape.slice(axis));
      const shape = x.shape.with(axis, (x.shape[axis] ?? 1) * count);
      x = tf.reshape(broadcastTo(tf, tf.reshape(x, [before, 1, rest]), [before, count, rest]), shape);
    });
    return [x === original ? tf.clone(x) : x];
  },
  cost: () => [],
  tie: ({ node, inputs }) => {
    const [input, from, to] = [inputs[0], node.inputs[0], node.outputs[0]];
    if (!input || !from || !to) return [];
    const repeats = inputs[1]?.elements;
    return input.dims.flatMap((extent, axis): Relation[] => {
      if (typeof extent === 'string' || extent === 0) return [];
      const count = repeats?.[axis];
      if (typeof count !== 'number')
        return [from, to].map((value) => ({
          kind: 'pin',
          at: { value, axis },
          reason: 'it is repeated as often as is known only at run time',
        }));
      return Array.from({ length: count }, (_, copy) => ({
        kind: 'same',
        a: { value: from, axis, start: 0, length: extent },
        b: { value: to, axis, start: copy * extent, length: extent },
      }));
    });
  },
};
