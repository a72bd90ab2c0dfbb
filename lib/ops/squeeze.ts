/** Squeeze and Unsqueeze: axes of extent 1 taken away and put in. */

import { normalizeAxis } from '../graph/attributes.js';
import { knownNumbers, numbersAtRunTime } from './elements.js';
import {
  mismatch,
  type Operator,
  type Relation,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
  tieAxes,
  wholeAxis,
} from './operator.js';

type Around = Pick<ShapedNode, 'node' | 'inputs'>;

/** The input axes that stay, for Squeeze; undefined where they cannot be told. */
function remaining(context: Around, axes = knownNumbers(context.inputs[1])): number[] | undefined {
  const { dims } = required(context, 0);
  if (context.inputs[1] && !axes) return undefined;
  // Without axes all of extent 1 go, and a symbol could be one of them: exporters mean that it is not.
  const gone = new Set(
    axes?.map((axis) => normalizeAxis(context.node, axis, dims.length)) ??
      dims.flatMap((extent, axis) => (extent === 1 ? [axis] : [])),
  );
  for (const axis of gone)
    if (typeof dims[axis] === 'number' && dims[axis] !== 1)
      throw mismatch(context.node, `axis ${axis} of shape [${dims}] is not of extent 1.`);
  return dims.flatMap((_, axis) => (gone.has(axis) ? [] : [axis]));
}

/** For each output axis of Unsqueeze the input axis, or −1 for a new one. */
function sources(context: Around, axes = knownNumbers(context.inputs[1])): number[] | undefined {
  if (!axes) return undefined;
  const rank = required(context, 0).dims.length + axes.length;
  const added = new Set(axes.map((axis) => normalizeAxis(context.node, axis, rank)));
  if (added.size !== axes.length) throw mismatch(context.node, `axes [${axes}] name an axis twice.`);
  let next = 0;
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? -1 : next++));
}

function tieMapped({ node, inputs, outputs }: ShapedNode, sourceOf: number[] | undefined): Relation[] {
  const [input, output, from, to] = [inputs[0], outputs[0], node.inputs[0], node.outputs[0]];
  if (!input || !output || !from || !to || !sourceOf) return [];
  return sourceOf.flatMap((source, axis) => {
    if (source < 0) return [];
    return tieAxes(wholeAxis(from, input, source), wholeAxis(to, output, axis));
  });
}

function runMapped(context: RunContext, sourceOf: (axes?: number[]) => number[] | undefined) {
  const x = requiredTensor(context, 0);
  const axes = sourceOf(numbersAtRunTime(context, 1)) ?? [];
  return [
    context.tf.reshape(
      x,
      axes.map((axis) => (axis < 0 ? 1 : (x.shape[axis] ?? 1))),
    ),
  ];
}

export const squeeze: Operator = {
  op: 'Squeeze',
  passes: 'elements',
  layout: 'plain',
  infer: (context) => {
    const { dtype, dims, elements } = required(context, 0);
    const stay = remaining(context);
    return stay ? [{ dtype, dims: stay.map((axis) => dims[axis] ?? 1), elements }] : [];
  },
  run: (context) => runMapped(context, (axes) => remaining(context, axes)),
  cost: () => [],
  tie: (shaped) => tieMapped(shaped, remaining(shaped)),
};

export const unsqueeze: Operator = {
  op: 'Unsqueeze',
  passes: 'elements',
  layout: 'plain',
  infer: (context) => {
    const { dtype, dims, elements } = required(context, 0);
    const axes = sources(context);
    return axes ? [{ dtype, dims: axes.map((axis) => (axis < 0 ? 1 : (dims[axis] ?? 1))), elements }] : [];
  },
  run: (context) => runMapped(context, (axes) => sources(context, axes)),
  cost: () => [],
  tie: (shaped) => tieMapped(shaped, sources(shaped)),
};
