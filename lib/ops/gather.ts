import { intAttribute, normalizeAxis } from '../graph/attributes.js';
import { int64 } from '../graph/tensor.js';
import { arrangedElements, knownNumbers } from './elements.js';
import {
  mismatch,
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

/** The known indices, counted from the front; undefined where they or the extent are not known. */
function positions(context: Pick<ShapedNode, 'node' | 'inputs'>): number[] | undefined {
  const extent = required(context, 0).dims[axisOf(context)];
  const indices = knownNumbers(context.inputs[1]);
  if (typeof extent !== 'number') return indices?.every((index) => index >= 0) ? indices : undefined;
  const wrong = indices?.find((index) => index < -extent || index >= extent);
  if (wrong !== undefined) throw mismatch(context.node, `index ${wrong} is outside an axis of extent ${extent}.`);
  return indices?.map((index) => (index < 0 ? index + extent : index));
}

/** Gather: elements of one axis by index, such as rows of an embedding, or one extent of a shape. */
export const gather: Operator = {
  op: 'Gather',
  parameters: [0],
  layout: 'plain',
  infer: (context) => {
    const type = required(context, 0);
    const { dtype, dims } = type;
    const axis = axisOf(context);
    const indices = required(context, 1);
    const at = positions(context);
    const out = [...dims.slice(0, axis), ...indices.dims, ...dims.slice(axis + 1)];
    const rank = indices.dims.length;
    const flat = (index: readonly number[]) =>
      index
        .slice(axis, axis + rank)
        .reduce((offset, position, at) => offset * Number(indices.dims[at] ?? 1) + position, 0);
    const elements =
      at &&
      arrangedElements(type, out, (index) => [
        ...index.slice(0, axis),
        at[flat(index)] ?? 0,
        ...index.slice(axis + rank),
      ]);
    return [{ dtype, dims: out, elements }];
  },
  run: (context) => {
    const { tf } = context;
    const x = requiredTensor(context, 0);
    const axis = axisOf(context);
    const known = knownNumbers(context.inputs[1]);
    const extent = x.shape[axis] ?? 0;
    const [only] = known ?? [];
    if (known?.length === 1 && only !== undefined) {
      const begin = x.shape.map((_, at) => (at === axis ? (only < 0 ? only + extent : only) : 0));
      const rank = required(context, 1).dims.length;
      const shape = [...x.shape.slice(0, axis), ...new Array<number>(rank).fill(1), ...x.shape.slice(axis + 1)];
      return [tf.reshape(tf.slice(x, begin, x.shape.with(axis, 1)), shape)];
    }
    const indices = tf.cast(requiredTensor(context, 1), 'int32');
    const wrapped = tf.where(tf.less(indices, 0), tf.add(indices, tf.scalar(extent, 'int32')), indices);
    return [tf.gather(x, wrapped, axis)];
  },
  cost: () => [],
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const [input, output, from, to] = [inputs[0], outputs[0], node.inputs[0], node.outputs[0]];
    const indexRank = inputs[1]?.dims.length;
    if (!input || !output || !from || !to || indexRank === undefined) return [];
    const axis = axisOf(shaped);
    const at = positions(shaped);
    const indices = inputs[1];
    const looked = (indices?.dims ?? []).flatMap((_, position) =>
      indices && !(at && indexRank === 1)
        ? tieAxes(wholeAxis(node.inputs[1] ?? '', indices, position), wholeAxis(to, output, axis + position))
        : [],
    );
    const data = input.dims.flatMap((extent, position): Relation[] => {
      const target = position < axis ? position : position + indexRank - 1;
      if (position !== axis) return tieAxes(wholeAxis(from, input, position), wholeAxis(to, output, target));
      if (typeof extent === 'string') return [];
      if (!at || indexRank !== 1)
        return [{ kind: 'pin', at: { value: from, axis }, reason: 'its elements are looked up by index' }];
      const a = { value: from, axis, start: at[0] ?? 0, length: at.length, at: Int32Array.from(at) };
      return at.length > 0 ? [{ kind: 'same', a, b: { value: to, axis, start: 0, length: at.length } }] : [];
    });
    return [...data, ...looked];
  },
  rewrite: (context) => {
    const { node, kept } = context;
    const axis = axisOf(context);
    const at = positions(context);
    const stay = kept({ value: node.inputs[0] ?? '', axis });
    if (!stay || !at) return {};
    const now = new Map(Array.from(stay, (index, position) => [index, position]));
    const left = kept({ value: node.outputs[0] ?? '', axis }) ?? at.map((_, index) => index);
    const indices = Array.from(left, (output) => now.get(at[output] ?? -1) ?? -1);
    if (indices.includes(-1)) throw mismatch(node, 'an element that it looks up would be removed.');
    return { constants: new Map([[1, int64([indices.length], indices)]]) };
  },
};
