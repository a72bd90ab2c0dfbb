import { intAttribute } from '../graph/attributes.js';
import { extentOf, productOf } from './elements.js';
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

/** The number of axes that go into the first axis of the output; the others go into the second. */
function splitOf(shaped: Pick<ShapedNode, 'node' | 'inputs'>): number {
  const rank = required(shaped, 0).dims.length;
  const axis = intAttribute(shaped.node, 'axis', 1);
  const split = axis < 0 ? axis + rank : axis;
  if (split < 0 || split > rank) throw mismatch(shaped.node, `axis ${axis} is outside a tensor of ${rank} axes.`);
  return split;
}

/** The elements of both sides of the split, merged; an axis that goes alone is tied as it is. */
function tie(shaped: ShapedNode): Relation[] {
  const x = required(shaped, 0);
  const y = shaped.outputs[0];
  const split = splitOf(shaped);
  const [from = ''] = shaped.node.inputs;
  const [to = ''] = shaped.node.outputs;
  if (!y) return [];
  const all = x.dims.map((_, axis) => axis);
  return [all.slice(0, split), all.slice(split)].flatMap((axes, axis): Relation[] => {
    const [first] = axes;
    if (first === undefined || axes.some((at) => typeof x.dims[at] !== 'number')) return [];
    if (axes.length === 1) return tieAxes(wholeAxis(from, x, first), wholeAxis(to, y, axis));
    return [{ kind: 'reshape', from: { value: from, axes }, to: { value: to, axes: [axis] } }];
  });
}

/** Flatten: the axes before `axis` become the first axis of a matrix, the others the second. */
export const flatten: Operator = {
  op: 'Flatten',
  passes: 'elements',
  layout: 'plain',
  infer: (context) => {
    const { dtype, dims, elements } = required(context, 0);
    const split = splitOf(context);
    const shape = [dims.slice(0, split), dims.slice(split)].map(
      (part) => extentOf(productOf(part)) ?? context.unknown(),
    );
    return [{ dtype, dims: shape, elements }];
  },
  run: (context) => {
    const x = requiredTensor(context, 0);
    const product = (extents: number[]) => extents.reduce((a, b) => a * b, 1);
    const split = splitOf(context);
    return [context.tf.reshape(x, [product(x.shape.slice(0, split)), product(x.shape.slice(split))])];
  },
  cost: () => [],
  tie,
};
