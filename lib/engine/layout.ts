/**
 * Where a value's axes lie on the engine. tfjs convolves channels-last, ONNX counts channels first: the layout of every
 * value is decided once for a graph, so that transposes stand only where an operator's meaning depends on the order.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Graph, Node } from '../graph/graph.js';
import type { Layout, LayoutPolicy, Operator, Packing, ShapedNode, Tf, ValueType } from '../ops/operator.js';

/** How one input of a node is handed to its operator. */
export type Form =
  | { kind: 'asIs' }
  | { kind: 'laid'; layout: Layout }
  /** Brought to `rank` axes by ones in front, then to channels-last: the smaller side of a broadcast. */
  | { kind: 'aligned'; rank: number }
  | { kind: 'packed'; packing: Packing };

export interface NodePlan {
  /** The layout in which the operator works. */
  layout: Layout;
  /** By input position. */
  forms: Form[];
}

export interface LayoutPlan {
  nodes: Map<Node, NodePlan>;
  /** The layout of graph inputs and node outputs. */
  values: Map<string, Layout>;
}

const PLAIN: Form = { kind: 'laid', layout: 'plain' };
const CHANNELS_LAST: Form = { kind: 'laid', layout: 'channelsLast' };
const AS_IS: Form = { kind: 'asIs' };

/** The physical axis of logical `axis` in a value of `rank` axes. */
export function physicalAxis(layout: Layout, axis: number, rank: number): number {
  if (layout === 'plain' || rank < 3 || axis === 0) return axis;
  return axis === 1 ? rank - 1 : axis - 1;
}

/** `shape`, given in ONNX logical order, as it lies in memory. */
export function physicalShape(layout: Layout, shape: readonly number[]): number[] {
  if (layout === 'plain' || shape.length < 3) return [...shape];
  return [...shape.slice(0, 1), ...shape.slice(2), ...shape.slice(1, 2)];
}

/** A tensor brought from one layout to another; the same tensor when nothing changes. Differentiable. */
export function relaid(tf: Tf, tensor: tfjs.Tensor, from: Layout, to: Layout): tfjs.Tensor {
  const { shape, rank } = tensor;
  if (from === to || rank < 3) return tensor;
  const axes = shape.map((_, axis) => axis);
  const order = to === 'channelsLast' ? [0, ...axes.slice(2), 1] : [0, rank - 1, ...axes.slice(1, rank - 1)];
  // Where one channel or one position is all there is, both orders are the same elements in the same places.
  const channels = shape[from === 'plain' ? 1 : rank - 1];
  const positions = axes.slice(1).filter((axis) => shape[axis] !== 1 && axis !== (from === 'plain' ? 1 : rank - 1));
  if (channels === 1 || positions.length === 0)
    return tf.reshape(
      tensor,
      order.map((axis) => shape[axis] ?? 1),
    );
  return tf.transpose(tensor, order);
}

/** A value that lies in `layout`, in the form that an operator asks for. Differentiable. */
export function formed(tf: Tf, tensor: tfjs.Tensor, layout: Layout, form: Form): tfjs.Tensor {
  switch (form.kind) {
    case 'asIs':
      return tensor;
    case 'laid':
      return relaid(tf, tensor, layout, form.layout);
    case 'packed':
      return form.packing.pack(tf, relaid(tf, tensor, layout, 'plain'));
    case 'aligned': {
      const plain = relaid(tf, tensor, layout, 'plain');
      const ones = new Array<number>(form.rank - plain.rank).fill(1);
      return relaid(tf, tf.reshape(plain, [...ones, ...plain.shape]), 'plain', 'channelsLast');
    }
  }
}

/** The inverse of `formed` for a constant: back to `dims` in ONNX logical order. */
export function unformed(tf: Tf, tensor: tfjs.Tensor, dims: readonly number[], form: Form): tfjs.Tensor {
  switch (form.kind) {
    case 'asIs':
      return tensor;
    case 'laid':
      return relaid(tf, tensor, form.layout, 'plain');
    case 'packed':
      return form.packing.unpack(tf, tensor);
    case 'aligned':
      return tf.reshape(relaid(tf, tensor, 'channelsLast', 'plain'), [...dims]);
  }
}

const packingIds = new WeakMap<Packing, number>();
let packings = 0;

/** Equal for forms in which a value is the same tensor. */
export function formKey(form: Form): string {
  switch (form.kind) {
    case 'asIs':
      return 'plain';
    case 'laid':
      return form.layout;
    case 'aligned':
      return `aligned ${form.rank}`;
    case 'packed': {
      const id = packingIds.get(form.packing) ?? packings++;
      packingIds.set(form.packing, id);
      return `packed ${id}`;
    }
  }
}

function policyOf(operator: Operator, shaped: ShapedNode): LayoutPolicy {
  return typeof operator.layout === 'function' ? operator.layout(shaped) : (operator.layout ?? 'follow');
}

const rankOf = (type: ValueType | undefined): number => type?.dims.length ?? 0;

/** Integer constants are arguments (axes, sizes, pads), which operators read from `elements`: they keep their order. */
function isArgument(type: ValueType | undefined): boolean {
  return type === undefined || (type.elements !== undefined && type.dtype !== 'float32' && type.dtype !== 'bool');
}

/**
 * Decides the layout of every value.
 * @param steps the nodes to run, in order.
 * @param constants names of initializers and of values that are known without running anything.
 */
export function planLayouts(
  graph: Graph,
  steps: readonly { shaped: ShapedNode; operator: Operator }[],
  constants: ReadonlySet<string>,
): LayoutPlan {
  const values = new Map<string, Layout>();
  const nodes = new Map<Node, NodePlan>();
  const wanted = inputLayouts(steps);
  for (const { name, dims } of graph.inputs)
    values.set(name, (dims?.length ?? 0) >= 3 && wanted.get(name) === 'channelsLast' ? 'channelsLast' : 'plain');

  for (const { shaped, operator } of steps) {
    const { node, inputs, outputs } = shaped;
    const policy = policyOf(operator, shaped);
    const layout =
      policy === 'follow'
        ? node.inputs.some((name) => !constants.has(name) && values.get(name) === 'channelsLast')
          ? 'channelsLast'
          : 'plain'
        : policy;
    const rank = Math.max(0, ...inputs.map((type) => (isArgument(type) ? 0 : rankOf(type))));
    const forms = node.inputs.map((_, index): Form => {
      const type = inputs[index];
      const packing = operator.packing?.(shaped, index);
      if (packing) return { kind: 'packed', packing };
      if (isArgument(type)) return AS_IS;
      if (layout === 'plain') return PLAIN;
      if (policy === 'follow' && rankOf(type) > 0 && rankOf(type) < rank) return { kind: 'aligned', rank };
      return rankOf(type) < 3 ? PLAIN : CHANNELS_LAST;
    });
    nodes.set(node, { layout, forms });
    node.outputs.forEach((name, index) => {
      if (name !== '') values.set(name, rankOf(outputs[index]) < 3 ? 'plain' : layout);
    });
  }
  return { nodes, values };
}

/** For each value the layout that the first operator downstream asks for, looking through those that follow. */
function inputLayouts(steps: readonly { shaped: ShapedNode; operator: Operator }[]): Map<string, Layout> {
  const wanted = new Map<string, Layout>();
  for (const { shaped, operator } of steps.toReversed()) {
    const policy = policyOf(operator, shaped);
    const outputs = shaped.node.outputs.map((name) => wanted.get(name)).filter((layout) => layout !== undefined);
    const layout = policy === 'follow' ? (outputs.includes('channelsLast') ? 'channelsLast' : outputs[0]) : policy;
    if (layout === undefined) continue;
    for (const name of shaped.node.inputs) if (wanted.get(name) !== 'channelsLast') wanted.set(name, layout);
  }
  return wanted;
}
