import { intAttribute } from '../graph/attributes.js';
import type { Dim } from '../graph/graph.js';
import { sizeOf } from '../graph/tensor.js';
import { isConcrete } from './broadcast.js';
import { knownNumbers } from './elements.js';
import { fromTheFront, gatherSlices, indexedAxes, placeOf } from './indexed-slices.js';
import {
  MAX_KNOWN_ELEMENTS,
  mismatch,
  type Operator,
  type Relation,
  required,
  requiredTensor,
  type ShapedNode,
  tieAxes,
  wholeAxis,
} from './operator.js';

/** Leading axes that input 0 and the indices have in common. */
function batchAxes(context: Pick<ShapedNode, 'node' | 'inputs'>): number {
  const count = intAttribute(context.node, 'batch_dims', 0);
  const most = Math.min(required(context, 0).dims.length, required(context, 1).dims.length) - 1;
  if (count < 0 || count > most) throw mismatch(context.node, `batch_dims ${count} should be between 0 and ${most}.`);
  return count;
}

/** The elements of the slices, where those of input 0 and the indices are known. */
function gatheredElements(context: Pick<ShapedNode, 'node' | 'inputs'>, out: readonly Dim[]): Dim[] | undefined {
  const { dims, elements } = required(context, 0);
  const indices = knownNumbers(context.inputs[1]);
  if (!elements || !indices || !isConcrete(dims) || !isConcrete(out) || batchAxes(context) > 0) return undefined;
  if (sizeOf(out) > MAX_KNOWN_ELEMENTS) return undefined;
  const count = indexedAxes(context);
  const size = sizeOf(dims.slice(count));
  return Array.from({ length: indices.length / count }, (_, row) => {
    const place = placeOf(context, indices.slice(row * count, (row + 1) * count), dims);
    return elements.slice(place * size, (place + 1) * size);
  }).flat();
}

/** GatherND: the elements or slices of input 0 that the rows of input 1 name. */
export const gatherND: Operator = {
  op: 'GatherND',
  layout: 'plain',
  infer: (context) => {
    const { dtype, dims } = required(context, 0);
    const { dims: indices } = required(context, 1);
    const first = batchAxes(context);
    const out = [...indices.slice(0, -1), ...dims.slice(first + indexedAxes(context, first))];
    return [{ dtype, dims: out, elements: gatheredElements(context, out) }];
  },
  run: (context) => {
    const { tf } = context;
    const [x, asked] = [requiredTensor(context, 0), requiredTensor(context, 1)];
    const first = batchAxes(context);
    const count = indexedAxes(context, first);
    const indices = fromTheFront(tf, asked, x.shape.slice(first, first + count));
    if (first === 0) return [gatherSlices(tf, x, indices)];
    // The batch axes become one, which the indices name too.
    const batch = sizeOf(x.shape.slice(0, first));
    const rows = tf.reshape(indices, [batch, -1, count]);
    const own = tf.tile(tf.reshape(tf.range(0, batch, 1, 'int32'), [batch, 1, 1]), [1, rows.shape[1] ?? 0, 1]);
    const slices = gatherSlices(tf, tf.reshape(x, [batch, ...x.shape.slice(first)]), tf.concat([own, rows], 2));
    return [tf.reshape(slices, [...asked.shape.slice(0, -1), ...x.shape.slice(first + count)])];
  },
  cost: () => [],
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const [from = '', to = ''] = [node.inputs[0], node.outputs[0]];
    const [type, indices, output] = [inputs[0], inputs[1], outputs[0]];
    if (!type || !indices || !output) return [];
    const first = batchAxes(shaped);
    const count = indexedAxes(shaped, first);
    const reason = 'its elements are looked up by index';
    const rows = indices.dims.length - 1;
    const pins = [
      ...type.dims
        .slice(0, first + count)
        .map((_, axis): Relation => ({ kind: 'pin', at: { value: from, axis }, reason })),
      ...indices.dims.slice(0, rows).map((_, axis): Relation => ({ kind: 'pin', at: { value: to, axis }, reason })),
    ];
    const slices = type.dims
      .slice(first + count)
      .flatMap((_, at) => tieAxes(wholeAxis(from, type, first + count + at), wholeAxis(to, output, rows + at)));
    return [...pins, ...slices];
  },
};
