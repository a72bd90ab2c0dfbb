import { intAttribute, normalizeAxis } from '../graph/attributes.js';
import type { Dim } from '../graph/graph.js';
import { isFloat } from './broadcast.js';
import { extentOf, knownNumbers, numbersAtRunTime, productOf, rounded } from './elements.js';
import {
  type Operator,
  type Relation,
  required,
  requiredTensor,
  type ShapedNode,
  tieAxes,
  wholeAxis,
} from './operator.js';

/** The reduced axes, ascending: those named, or all. Undefined where they are not known. */
function reducedAxes(
  context: Pick<ShapedNode, 'node' | 'inputs'>,
  axes = knownNumbers(context.inputs[1]),
): number[] | undefined {
  const { node, inputs } = context;
  const rank = required(context, 0).dims.length;
  if (inputs[1] && !axes) return undefined;
  if (!axes || axes.length === 0)
    return intAttribute(node, 'noop_with_empty_axes', 0) ? [] : Array.from({ length: rank }, (_, axis) => axis);
  return axes.map((axis) => normalizeAxis(node, axis, rank)).sort((a, b) => a - b);
}

/** The output axis of each input axis that is not reduced. */
function keptAxes({ node }: Pick<ShapedNode, 'node'>, rank: number, reduced: readonly number[]): [number, number][] {
  const keepDims = intAttribute(node, 'keepdims', 1) !== 0;
  const stay = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !reduced.includes(axis));
  return stay.map((axis, position) => [axis, keepDims ? axis : position]);
}

/** ReduceProd: the product over some axes; mostly the number of elements of a shape. */
export const reduceProd: Operator = {
  op: 'ReduceProd',
  layout: 'plain',
  infer: (context) => {
    const { dtype, dims, elements } = required(context, 0);
    const reduced = reducedAxes(context);
    const keepDims = intAttribute(context.node, 'keepdims', 1) !== 0;
    if (!reduced) return keepDims ? [{ dtype, dims: dims.map(() => context.unknown()) }] : [];
    const out = dims.flatMap((extent, axis): Dim[] => (reduced.includes(axis) ? (keepDims ? [1] : []) : [extent]));
    if (!elements || dims.length !== 1 || reduced.length !== 1) return [{ dtype, dims: out }];
    const product = extentOf(productOf(elements)) ?? context.unknown();
    return [{ dtype, dims: out, elements: [rounded(product, dtype)] }];
  },
  run: (context) => {
    const x = requiredTensor(context, 0);
    const reduced = reducedAxes(context, numbersAtRunTime(context, 1)) ?? [];
    if (reduced.length === 0) return [context.tf.clone(x)];
    return [context.tf.prod(x, reduced, intAttribute(context.node, 'keepdims', 1) !== 0)];
  },
  cost: ({ node, inputs }) => {
    const value = node.inputs[0];
    if (value === undefined || !isFloat(inputs[0])) return [];
    const factors = inputs[0]?.dims.map((_, axis) => ({ value, axis })) ?? [];
    return [{ kind: 'elementwise', coefficient: 1, factors }];
  },
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const [input, output, from, to] = [inputs[0], outputs[0], node.inputs[0], node.outputs[0]];
    if (!input || !output || !from || !to) return [];
    const rank = input.dims.length;
    const reduced = reducedAxes(shaped) ?? Array.from({ length: rank }, (_, axis) => axis);
    const pins = reduced.map(
      (axis): Relation => ({ kind: 'pin', at: { value: from, axis }, reason: 'it is multiplied up' }),
    );
    const ties = keptAxes(shaped, rank, reduced).flatMap(([axis, position]) =>
      tieAxes(wholeAxis(from, input, axis), wholeAxis(to, output, position)),
    );
    return [...pins, ...ties];
  },
};
