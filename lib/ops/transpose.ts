import { intsAttribute } from '../graph/attributes.js';
import { arrangedElements } from './elements.js';
import { mismatch, type Operator, required, requiredTensor, type ShapedNode, tieAxes, wholeAxis } from './operator.js';

/** Output axis i is input axis `perm[i]`; reversed where the attribute is left out. */
function permutation(context: Pick<ShapedNode, 'node' | 'inputs'>): number[] {
  const rank = required(context, 0).dims.length;
  const perm = intsAttribute(context.node, 'perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  if (perm.length !== rank || perm.toSorted((a, b) => a - b).some((axis, position) => axis !== position))
    throw mismatch(context.node, `perm [${perm}] is no order of the ${rank} axes of its input.`);
  return perm;
}

/** Transpose: the axes in another order. */
export const transpose: Operator = {
  op: 'Transpose',
  layout: 'plain',
  infer: (context) => {
    const type = required(context, 0);
    const { dtype, dims } = type;
    const perm = permutation(context);
    const out = perm.map((axis) => dims[axis] ?? 0);
    const elements = arrangedElements(type, out, (index) => perm.map((_, axis) => index[perm.indexOf(axis)] ?? 0));
    return [{ dtype, dims: out, elements }];
  },
  run: (context) => [context.tf.transpose(requiredTensor(context, 0), permutation(context))],
  cost: () => [],
  tie: (shaped) => {
    const [input, output] = [shaped.inputs[0], shaped.outputs[0]];
    const [from, to] = [shaped.node.inputs[0], shaped.node.outputs[0]];
    if (!input || !output || !from || !to) return [];
    return permutation(shaped).flatMap((source, axis) =>
      tieAxes(wholeAxis(from, input, source), wholeAxis(to, output, axis)),
    );
  },
};
