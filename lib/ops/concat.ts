import { intAttribute, normalizeAxis } from '../graph/attributes.js';
import type { Dim } from '../graph/graph.js';
import { sizeOf } from '../graph/tensor.js';
import { isConcrete } from './broadcast.js';
import {
  MAX_KNOWN_ELEMENTS,
  mismatch,
  type Operator,
  type Relation,
  required,
  requiredTensor,
  type ShapedNode,
  tieAxes,
  type ValueType,
  wholeAxis,
} from './operator.js';

function axisOf({ node, inputs }: Pick<ShapedNode, 'node' | 'inputs'>): number {
  const axis = intAttribute(node, 'axis');
  if (axis === undefined) throw mismatch(node, 'attribute axis is missing.');
  return normalizeAxis(node, axis, required({ node, inputs }, 0).dims.length);
}

/** Concat: the inputs one after another along an axis. */
export const concat: Operator = {
  op: 'Concat',
  infer: (context) => {
    const types = context.inputs.map((_, index) => required(context, index));
    const axis = axisOf(context);
    const { dtype, dims } = required(context, 0);
    const out = dims.map((extent, position) => {
      const extents = types.map((type) => type.dims[position] ?? 0);
      if (position === axis) return sum(extents) ?? context.unknown();
      const known = extents.find((other) => typeof other === 'number');
      if (known !== undefined && extents.some((other) => typeof other === 'number' && other !== known))
        throw mismatch(
          context.node,
          `inputs differ on axis ${position}: ${extents.join(', ')}; only axis ${axis} may.`,
        );
      return known ?? extent;
    });
    for (const [index, type] of types.entries())
      if (type.dims.length !== dims.length)
        throw mismatch(context.node, `input ${index} has ${type.dims.length} axes, input 0 has ${dims.length}.`);
    return [{ dtype, dims: out, elements: joinedElements(types, out, axis) }];
  },
  run: (context) => {
    const tensors = context.inputs.map((_, index) => requiredTensor(context, index));
    return [context.tf.concat(tensors, context.physicalAxis(axisOf(context), required(context, 0).dims.length))];
  },
  cost: () => [],
  role: (shaped) => (axisOf(shaped) === 1 ? 'concatenation' : undefined),
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const axis = axisOf(shaped);
    const output = outputs[0];
    const to = node.outputs[0];
    if (!output || !to) return [];
    let offset: number | undefined = 0;
    const relations: Relation[] = [];
    inputs.forEach((input, index) => {
      const from = node.inputs[index];
      if (!input || !from) return;
      input.dims.forEach((extent, position) => {
        if (position !== axis) {
          relations.push(...tieAxes(wholeAxis(from, input, position), wholeAxis(to, output, position)));
        } else if (offset === undefined || typeof output.dims[axis] === 'string') {
          relations.push({
            kind: 'pin',
            at: { value: from, axis },
            reason: `${node.name} joins it to parts whose extent is known only at run time`,
          });
        } else if (typeof extent === 'number' && extent > 0) {
          const a = { value: from, axis, start: 0, length: extent };
          relations.push({ kind: 'same', a, b: { value: to, axis, start: offset, length: extent } });
        }
      });
      const extent = input.dims[axis];
      offset = typeof extent === 'number' && offset !== undefined ? offset + extent : undefined;
    });
    return relations;
  },
};

function sum(extents: readonly Dim[]): Dim | undefined {
  const others = extents.filter((extent) => extent !== 0);
  if (others.length === 1) return others[0];
  return extents.reduce<number | undefined>(
    (total, extent) => (total !== undefined && typeof extent === 'number' ? total + extent : undefined),
    0,
  );
}

function joinedElements(types: ValueType[], dims: readonly Dim[], axis: number): Dim[] | undefined {
  if (!isConcrete(dims) || sizeOf(dims) > MAX_KNOWN_ELEMENTS) return undefined;
  // Each input is a stack of rows, one for each index of the axes before the joined one.
  const rows = sizeOf(dims.slice(0, axis));
  const joined: Dim[][] = Array.from({ length: rows }, () => []);
  for (const { elements } of types) {
    if (!elements) return undefined;
    const width = elements.length / rows;
    joined.forEach((row, index) => {
      row.push(...elements.slice(index * width, (index + 1) * width));
    });
  }
  return joined.flat();
}
