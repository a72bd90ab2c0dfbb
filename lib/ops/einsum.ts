/** Einsum (ONNX spec): products of tensors, summed over the subscripts that the output lacks. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { stringAttribute } from '../graph/attributes.js';
import type { Dim, Node } from '../graph/graph.js';
import { broadcastTo } from './broadcast.js';
import {
  type AxisRef,
  type CostTerm,
  mismatch,
  type Operator,
  type Relation,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
  type Tf,
  tieAxes,
  wholeAxis,
} from './operator.js';

interface Equation {
  /** A label for each axis: a letter, or `.k` for the axis of an ellipsis that is k-th from its right end. */
  inputs: string[][];
  output: string[];
}

const SUBSCRIPTS = /^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/;

function parse(node: Node, ranks: readonly number[]): Equation {
  const equation = stringAttribute(node, 'equation', '').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const terms = left.split(',');
  if (terms.length !== ranks.length || ![...terms, right ?? ''].every((term) => SUBSCRIPTS.test(term)))
    throw mismatch(node, `equation "${equation}" does not fit ${ranks.length} inputs.`);
  const inputs = terms.map((term, index) => {
    const open = (ranks[index] ?? 0) - term.replace('...', '').length;
    if (open < 0 || (open > 0 && !term.includes('...')))
      throw mismatch(node, `subscripts "${term}" do not fit an input of ${ranks[index]} axes.`);
    return labels(term, open);
  });
  const all = inputs.flat();
  const dots = all.filter((label) => label.startsWith('.'));
  const widest = dots.reduce((most, label) => Math.max(most, Number(label.slice(1)) + 1), 0);
  const once = [...new Set(all)].filter(
    (label) => !label.startsWith('.') && all.filter((other) => other === label).length === 1,
  );
  const output = right === undefined ? [...labels('...', widest), ...once.sort()] : labels(right, widest);
  const wrong = output.find((label, at) => !all.includes(label) || output.indexOf(label) !== at);
  if (wrong !== undefined) throw mismatch(node, `equation "${equation}" has no single "${wrong}" to give.`);
  if (inputs.some((term) => new Set(term).size < term.length))
    throw mismatch(node, `equation "${equation}" repeats a subscript within an input, which is not supported.`);
  return { inputs, output };
}

/** `open` axes stand in the place of an ellipsis. */
function labels(term: string, open: number): string[] {
  const [before = '', after] = term.split('...');
  const dots = after === undefined ? [] : Array.from({ length: open }, (_, axis) => `.${open - 1 - axis}`);
  return [...before, ...dots, ...(after ?? '')];
}

function equationOf({ node, inputs }: Pick<ShapedNode, 'node' | 'inputs'>): Equation {
  return parse(
    node,
    inputs.map((type) => type?.dims.length ?? 0),
  );
}

/** The extent of each label; one of 1 is repeated where another is larger. */
function extentsOf(node: Node, { inputs }: Equation, dims: readonly (readonly Dim[])[]): Map<string, Dim> {
  const extents = new Map<string, Dim>();
  for (const [index, term] of inputs.entries())
    for (const [axis, label] of term.entries()) {
      const extent = dims[index]?.[axis] ?? 1;
      const known = extents.get(label) ?? 1;
      if (typeof extent === 'number' && typeof known === 'number' && extent !== known && extent !== 1 && known !== 1)
        throw mismatch(node, `subscript "${label}" stands for ${known} and for ${extent}.`);
      if (known === 1 || (typeof known === 'string' && typeof extent === 'number' && extent > 1))
        extents.set(label, extent);
    }
  return extents;
}

interface Operand {
  tensor: tfjs.Tensor;
  labels: string[];
}

function summedTo(tf: Tf, { tensor, labels: all }: Operand, keep: ReadonlySet<string>): Operand {
  const axes = all.flatMap((label, axis) => (keep.has(label) ? [] : [axis]));
  return axes.length === 0
    ? { tensor, labels: all }
    : { tensor: tf.sum(tensor, axes), labels: all.filter((label) => keep.has(label)) };
}

/** The operand with its axes in the order of `wanted`, repeated to `extents`, those of each part joined. */
function arranged(
  tf: Tf,
  { tensor, labels: all }: Operand,
  parts: readonly (readonly string[])[],
  extents: ReadonlyMap<string, number>,
): tfjs.Tensor {
  const wanted = parts.flat();
  const ordered = tf.transpose(
    tensor,
    wanted.map((label) => all.indexOf(label)),
  );
  const size = (part: readonly string[]) => part.reduce((product, label) => product * (extents.get(label) ?? 1), 1);
  const whole = broadcastTo(
    tf,
    ordered,
    wanted.map((label) => extents.get(label) ?? 1),
  );
  return tf.reshape(whole, parts.map(size));
}

/** The product of two operands, summed over what is not in `keep`: one product of stacks of matrices. */
function product(tf: Tf, first: Operand, second: Operand, keep: ReadonlySet<string>): Operand {
  const a = summedTo(tf, first, new Set([...keep, ...second.labels]));
  const b = summedTo(tf, second, new Set([...keep, ...first.labels]));
  const extents = new Map<string, number>();
  for (const operand of [a, b])
    for (const [axis, label] of operand.labels.entries())
      extents.set(label, Math.max(extents.get(label) ?? 1, operand.tensor.shape[axis] ?? 1));
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const stack = shared.filter((label) => keep.has(label));
  const summed = shared.filter((label) => !keep.has(label));
  const rows = a.labels.filter((label) => !shared.includes(label));
  const columns = b.labels.filter((label) => !shared.includes(label));
  const matrices = tf.matMul(
    arranged(tf, a, [stack, rows, summed], extents),
    arranged(tf, b, [stack, summed, columns], extents),
  );
  const result = [...stack, ...rows, ...columns];
  return {
    tensor: tf.reshape(
      matrices,
      result.map((label) => extents.get(label) ?? 1),
    ),
    labels: result,
  };
}

function run(context: RunContext): tfjs.Tensor[] {
  const { tf } = context;
  const { inputs, output } = equationOf(context);
  const operands = inputs.map((term, index): Operand => ({ tensor: requiredTensor(context, index), labels: term }));
  const [first, ...others] = operands;
  if (!first) throw mismatch(context.node, 'it has no inputs.');
  const result = others.reduce((so, next, index) => {
    const later = others.slice(index + 1).flatMap((operand) => operand.labels);
    return product(tf, so, next, new Set([...output, ...later]));
  }, first);
  const summed = summedTo(tf, result, new Set(output));
  return [
    tf.transpose(
      summed.tensor,
      output.map((label) => summed.labels.indexOf(label)),
    ),
  ];
}

/** The axes that a label stands for, inputs first. */
function axesOf(shaped: ShapedNode): Map<string, AxisRef[]> {
  const { inputs, output } = equationOf(shaped);
  const axes = new Map<string, AxisRef[]>();
  const note = (value: string, term: readonly string[]) => {
    for (const [axis, label] of term.entries()) axes.set(label, [...(axes.get(label) ?? []), { value, axis }]);
  };
  for (const [index, term] of inputs.entries()) note(shaped.node.inputs[index] ?? '', term);
  note(shaped.node.outputs[0] ?? '', output);
  return axes;
}

/** One multiply-add for every combination of subscripts, for each input after the first. */
function cost(shaped: ShapedNode): CostTerm[] {
  const factors = [...axesOf(shaped).values()].map((axes) => widest(shaped, axes));
  const products = shaped.inputs.length - 1;
  return [
    products > 0 ? { kind: 'macs', coefficient: products, factors } : { kind: 'elementwise', coefficient: 1, factors },
  ];
}

/** Of axes that one label stands for, one that is not repeated. */
function widest(shaped: ShapedNode, axes: readonly AxisRef[]): AxisRef {
  const isOne = (at: AxisRef) => typeOf(shaped, at.value)?.dims[at.axis] === 1;
  return axes.find((at) => !isOne(at)) ?? axes[0] ?? { value: '', axis: 0 };
}

function typeOf({ node, inputs, outputs }: ShapedNode, value: string) {
  return inputs[node.inputs.indexOf(value)] ?? outputs[node.outputs.indexOf(value)];
}

/** All axes of one label, where they are not repeated. */
function tie(shaped: ShapedNode): Relation[] {
  return [...axesOf(shaped).values()].flatMap((axes) => {
    const spans = axes.flatMap(({ value, axis }) => {
      const type = typeOf(shaped, value);
      const span = type && wholeAxis(value, type, axis);
      return span ? [span] : [];
    });
    const most = spans.reduce((extent, { length }) => Math.max(extent, length), 0);
    const [first, ...others] = spans.filter(({ length }) => length === most);
    return others.flatMap((other) => tieAxes(first, other));
  });
}

export const einsum: Operator = {
  op: 'Einsum',
  parameters: [0, 1, 2],
  layout: 'plain',
  infer: (context) => {
    const types = context.inputs.map((_, index) => required(context, index));
    const equation = equationOf(context);
    const extents = extentsOf(
      context.node,
      equation,
      types.map(({ dims }) => dims),
    );
    return [{ dtype: types[0]?.dtype ?? 'float32', dims: equation.output.map((label) => extents.get(label) ?? 1) }];
  },
  run,
  cost,
  tie,
};
