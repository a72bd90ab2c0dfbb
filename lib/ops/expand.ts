import type { Dim } from '../graph/graph.js';
import { int64 } from '../graph/tensor.js';
import { broadcastDims, broadcastTo, elementsAs, tieBroadcast } from './broadcast.js';
import { requiredNumbers } from './elements.js';
import { mismatch, type Operator, type Relation, required, requiredTensor, type ShapedNode } from './operator.js';

/** Whether the target says 1 for an output axis, which leaves any extent of the input as it is. */
function leaves({ inputs, outputs }: ShapedNode, axis: number): boolean {
  const elements = inputs[1]?.elements;
  const before = (outputs[0]?.dims.length ?? 0) - (elements?.length ?? 0);
  return elements !== undefined && (axis < before || elements[axis - before] === 1);
}

/**
 * A constant target that gives the output's shape after surgery: 1 leaves the input's own extent. Undefined where an
 * axis grows to an extent that is known only at run time.
 */
function constantTarget({ inputs, outputs }: ShapedNode, extent: (axis: number) => Dim): number[] | undefined {
  const from = inputs[0]?.dims ?? [];
  const to = outputs[0]?.dims ?? [];
  const target = to.map((before, axis) => {
    if (from[axis - to.length + from.length] === before) return 1;
    const now = extent(axis);
    return typeof now === 'number' ? now : undefined;
  });
  return target.every((value) => value !== undefined) ? target : undefined;
}

/** Expand: the input repeated to a shape; where the shape says 1, the input's extent stays. */
export const expand: Operator = {
  op: 'Expand',
  layout: 'plain',
  infer: (context) => {
    const input = required(context, 0);
    const target = required(context, 1);
    const rank = target.dims[0];
    if (!target.elements && typeof rank !== 'number') return [];
    const asked = target.elements ?? Array.from({ length: Number(rank) }, () => context.unknown());
    const dims = broadcastDims(context, [input.dims, asked]);
    return [{ dtype: input.dtype, dims, elements: elementsAs(input, dims) }];
  },
  run: (context) => {
    const { tf, outputs } = context;
    const x = requiredTensor(context, 0);
    const from = required(context, 0).dims;
    const bound = new Map(from.map((extent, axis) => [extent, x.shape[axis] ?? 1]));
    const dims = (outputs[0]?.dims ?? []).map((extent) => (typeof extent === 'number' ? extent : bound.get(extent)));
    if (dims.every((extent) => extent !== undefined)) return [broadcastTo(tf, x, dims)];
    const target = requiredNumbers(context, 1);
    return [broadcastTo(tf, x, tf.broadcast_util.assertAndGetBroadcastShape(x.shape, target))];
  },
  cost: () => [],
  tie: (shaped) => {
    const output = shaped.outputs[0];
    const to = shaped.node.outputs[0];
    if (!output || !to) return [];
    const ties = tieBroadcast(shaped, [0]);
    if (constantTarget(shaped, (axis) => output.dims[axis] ?? 0)) return ties;
    const reason = 'it is expanded to a shape known only at run time';
    const fixed = output.dims.flatMap((_, axis) => (leaves(shaped, axis) ? [] : [axis]));
    return [...ties, ...fixed.map((axis): Relation => ({ kind: 'pin', at: { value: to, axis }, reason }))];
  },
  rewrite: (context) => {
    const to = context.node.outputs[0] ?? '';
    const cut = (axis: number) => !leaves(context, axis) && context.kept({ value: to, axis }) !== undefined;
    if (!context.outputs[0]?.dims.some((_, axis) => cut(axis))) return {};
    const target = constantTarget(context, (axis) => context.extent({ value: to, axis }));
    if (!target) throw mismatch(context.node, 'its target shape is known only at run time.');
    return { constants: new Map([[1, int64([target.length], target)]]) };
  },
};
