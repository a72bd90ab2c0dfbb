import { intAttribute, normalizeAxis } from '../graph/attributes.js';
import type { Dim } from '../graph/graph.js';
import { int64 } from '../graph/tensor.js';
import { arrangedElements, knownNumbers } from './elements.js';
import {
  type InferContext,
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

/** The extents of the parts: the sizes of input 1, or `num_outputs` equal ones of which the last may be smaller. */
function partsOf(context: InferContext, extent: Dim): Dim[] {
  const { node, inputs } = context;
  const count = node.outputs.length;
  if (inputs[1]) {
    const sizes = knownNumbers(inputs[1]);
    if (!sizes) return node.outputs.map(() => context.unknown());
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (sizes.length !== count || (typeof extent === 'number' && total !== extent))
      throw mismatch(node, `sizes [${sizes}] do not split an axis of extent ${extent} into ${count} outputs.`);
    return sizes;
  }
  const parts = intAttribute(node, 'num_outputs', count);
  if (parts !== count) throw mismatch(node, `num_outputs is ${parts}, but the node has ${count} outputs.`);
  if (count === 1) return [extent];
  if (typeof extent === 'string') return node.outputs.map(() => context.unknown());
  const size = Math.ceil(extent / count);
  const last = extent - size * (count - 1);
  if (last < 0) throw mismatch(node, `an axis of extent ${extent} does not split into ${count} outputs.`);
  return node.outputs.map((_, index) => (index === count - 1 ? last : size));
}

/** Split: consecutive parts of an axis. */
export const split: Operator = {
  op: 'Split',
  infer: (context) => {
    const type = required(context, 0);
    const { dtype, dims } = type;
    const axis = axisOf(context);
    let offset = 0;
    return partsOf(context, dims[axis] ?? 0).map((part) => {
      const start = offset;
      const out = dims.with(axis, part);
      const elements = arrangedElements(type, out, (index) => index.with(axis, (index[axis] ?? 0) + start));
      if (typeof part === 'number') offset += part;
      return { dtype, dims: out, elements };
    });
  },
  run: (context) => {
    const { tf, outputs } = context;
    const x = requiredTensor(context, 0);
    // tfjs cannot differentiate a split into one.
    if (outputs.length === 1) return [tf.clone(x)];
    const axis = axisOf(context);
    const physical = context.physicalAxis(axis, x.rank);
    const sizes = knownNumbers(context.inputs[1]);
    if (sizes) return tf.split(x, sizes, physical);
    const given = context.tensors[1];
    if (given) return tf.split(x, Array.from(given.dataSync()), physical);
    const size = Math.ceil((x.shape[physical] ?? 0) / outputs.length);
    const last = (x.shape[physical] ?? 0) - size * (outputs.length - 1);
    return tf.split(
      x,
      outputs.map((_, index) => (index === outputs.length - 1 ? last : size)),
      physical,
    );
  },
  cost: () => [],
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const axis = axisOf(shaped);
    const input = inputs[0];
    const from = node.inputs[0];
    if (!input || !from) return [];
    let offset = 0;
    const relations: Relation[] = [];
    if (outputs.some((output) => typeof output.dims[axis] === 'string'))
      return [{ kind: 'pin', at: { value: from, axis }, reason: 'it is split into parts known only at run time' }];
    outputs.forEach((output, index) => {
      const to = node.outputs[index];
      const part = Number(output.dims[axis]);
      if (to)
        input.dims.forEach((_, position) => {
          if (position !== axis) {
            relations.push(...tieAxes(wholeAxis(from, input, position), wholeAxis(to, output, position)));
          } else if (part > 0) {
            const a = { value: from, axis, start: offset, length: part };
            relations.push({ kind: 'same', a, b: { value: to, axis, start: 0, length: part } });
          }
        });
      offset += part;
    });
    return relations;
  },
  rewrite: (context) => {
    const { node, outputs, kept } = context;
    const axis = axisOf(context);
    const cut = kept({ value: node.inputs[0] ?? '', axis });
    if (!cut) return {};
    let offset = 0;
    const sizes = outputs.map((output) => {
      const start = offset;
      offset += Number(output.dims[axis]);
      return cut.filter((index) => index >= start && index < offset).length;
    });
    return { constants: new Map([[1, int64([sizes.length], sizes)]]), withoutAttributes: ['num_outputs'] };
  },
};
