/**
 * Inputs that say a shape (the target of a Reshape, the sizes of a Resize, …), written as constants where they depend on
 * nothing but extents that are known only at run time: the operators have words for "this extent stays".
 */

import { intAttribute } from '../graph/attributes.js';
import type { Attribute, Dim, Graph, Node } from '../graph/graph.js';
import { int64, type Tensor } from '../graph/tensor.js';
import type { ValueType } from '../ops/operator.js';

/** What takes the place of inputs, by position, and of attributes. */
export interface ConstantInputs {
  inputs: Map<number, Tensor>;
  attributes: Record<string, Attribute>;
}

type Rewriter = (node: Node, types: readonly (ValueType | undefined)[]) => ConstantInputs | undefined;

function constants(inputs: [position: number, values: number[]][], attributes = {}): ConstantInputs {
  return {
    inputs: new Map(inputs.map(([position, values]) => [position, int64([values.length], values)])),
    attributes,
  };
}

/** 0 copies the extent at the same position; one other extent may be −1. */
const reshape: Rewriter = (node, [x, target]) => {
  if (!x || !target?.elements) return undefined;
  const literalZero = intAttribute(node, 'allowzero', 0) !== 0;
  if (literalZero && target.elements.includes(0)) return undefined;
  const values = target.elements.map((extent, axis) =>
    typeof extent === 'number' ? extent : x.dims[axis] === extent ? 0 : -1,
  );
  if (values.filter((value) => value === -1).length > 1) return undefined;
  return constants([[1, values]], literalZero ? { allowzero: { type: 'int', value: 0 } } : {});
};

/** 1 leaves the extent of the input. */
const expand: Rewriter = (_node, [x, target]) => {
  if (!x || !target?.elements) return undefined;
  const offset = target.elements.length - x.dims.length;
  const values = target.elements.map((extent, axis) =>
    typeof extent === 'number' ? extent : x.dims[axis - offset] === extent ? 1 : undefined,
  );
  return values.every((value) => value !== undefined) ? constants([[1, values]]) : undefined;
};

/** An end beyond the axis is its end. */
const slice: Rewriter = (_node, [x, starts, ends, axes, steps]) => {
  if (!x || !starts?.elements || !ends?.elements) return undefined;
  const along = axes ? axes.elements : starts.elements.map((_, axis) => axis);
  const forward = !steps || steps.elements?.every((step) => typeof step === 'number' && step > 0);
  if (!along || !forward || !starts.elements.every((start) => typeof start === 'number')) return undefined;
  const values = ends.elements.map((end, index) => {
    if (typeof end === 'number') return end;
    const axis = along[index];
    if (typeof axis !== 'number') return undefined;
    return x.dims[axis < 0 ? axis + x.dims.length : axis] === end ? Number.MAX_SAFE_INTEGER : undefined;
  });
  if (!values.every((value) => value !== undefined)) return undefined;
  return constants([
    [1, starts.elements as number[]],
    [2, values],
  ]);
};

/** Axes that are not named keep their extent (since opset 18). */
const resize: Rewriter = (node, [x, , , sizes]) => {
  if (!x || !sizes?.elements || node.attributes.axes) return undefined;
  const named: { axis: number; size: Dim }[] = sizes.elements.map((size, axis) => ({ axis, size }));
  const moving = named.filter(({ axis, size }) => size !== x.dims[axis]);
  if (moving.length === 0 || !moving.every(({ size }) => typeof size === 'number')) return undefined;
  const axes: Attribute = { type: 'ints', value: moving.map(({ axis }) => axis) };
  return constants([[3, moving.map(({ size }) => size as number)]], { axes });
};

const REWRITERS: Record<string, Rewriter> = { Reshape: reshape, Expand: expand, Slice: slice, Resize: resize };

/** The constant inputs of a node whose shape inputs have elements that are symbols; undefined where there are no words for them. */
export function constantInputs(node: Node, types: readonly (ValueType | undefined)[]): ConstantInputs | undefined {
  const symbolic = types.some((type) => type?.elements?.some((element) => typeof element === 'string'));
  const rewriter = node.domain === '' && symbolic ? REWRITERS[node.op] : undefined;
  return rewriter?.(node, types);
}

/** The graph in which node `name` reads `tensor`, a new initializer, at `position`; `attributes` are set. */
export function withConstantInput(
  graph: Graph,
  name: string,
  position: number,
  tensor: Tensor,
  attributes: Record<string, Attribute> = {},
): Graph {
  const taken = new Set([...graph.initializers.keys(), ...graph.inputs.map((input) => input.name)]);
  for (const { outputs } of graph.nodes) for (const output of outputs) taken.add(output);
  let constant = `${name}_${position}`;
  for (let suffix = 1; taken.has(constant); suffix++) constant = `${name}_${position}_${suffix}`;
  const nodes = graph.nodes.map((node) =>
    node.name === name
      ? { ...node, inputs: node.inputs.with(position, constant), attributes: { ...node.attributes, ...attributes } }
      : node,
  );
  return { ...graph, nodes, initializers: new Map(graph.initializers).set(constant, tensor) };
}
