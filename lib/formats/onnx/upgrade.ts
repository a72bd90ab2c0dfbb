/**
 * Brings nodes of older operator sets to the semantics of opset 18 (ONNX's Changelog.md tells what changed when). Most
 * changes turned an attribute into an input.
 */

import { inferShapes } from '../../analyze/shapes.js';
import { TascnetError } from '../../errors.js';
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../graph/attributes.js';
import type { Attribute, Graph, Node } from '../../graph/graph.js';
import { float32, int64, type Tensor } from '../../graph/tensor.js';

const GRAPH_OPSET = 18;

interface Upgrading {
  /** A new initializer beside `node`; returns its name. */
  constant(node: Node, role: string, tensor: Tensor): string;
  /** A new value beside `node`; returns its name. */
  value(node: Node, role: string): string;
  /** The number of axes of a value, where it can be told. */
  rank(value: string): number | undefined;
}

interface Change {
  /** Files of this opset or a later one need it no more. */
  until: number;
  ops: readonly string[];
  apply(node: Node, upgrading: Upgrading): Node[];
}

/** The same node with other inputs and attributes; attributes that are undefined are taken away. */
function changed(node: Node, inputs: readonly string[], attributes: Record<string, Attribute | undefined>): Node {
  const merged = Object.entries({ ...node.attributes, ...attributes });
  const kept = merged.filter((entry): entry is [string, Attribute] => entry[1] !== undefined);
  return { ...node, inputs: [...inputs], attributes: Object.fromEntries(kept) };
}

/** Attribute `name`, a list of integers, becomes an input after `inputs`. */
function intsBecomeInput(node: Node, upgrading: Upgrading, name: string): Node[] {
  const values = intsAttribute(node, name);
  if (!values) return [node];
  const input = upgrading.constant(node, name, int64([values.length], values));
  return [changed(node, [node.inputs[0] ?? '', input], { [name]: undefined })];
}

const REDUCTIONS = ['Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'];

/** In order: a node that one change made goes through those after it. */
const CHANGES: readonly Change[] = [
  {
    until: 11,
    ops: ['Clip'],
    apply: (node, upgrading) => {
      const bound = (name: string) =>
        name in node.attributes ? upgrading.constant(node, name, float32([], [floatAttribute(node, name, 0)])) : '';
      const inputs = [node.inputs[0] ?? '', bound('min'), bound('max')];
      return [changed(node, inputs, { min: undefined, max: undefined })];
    },
  },
  {
    until: 12,
    ops: ['Dropout'],
    apply: (node, upgrading) => {
      const ratio = upgrading.constant(node, 'ratio', float32([], [floatAttribute(node, 'ratio', 0.5)]));
      return [changed(node, [node.inputs[0] ?? '', ratio], { ratio: undefined })];
    },
  },
  {
    until: 13,
    ops: ['Softmax', 'LogSoftmax', 'Hardmax'],
    apply: overTrailingAxes,
  },
  {
    until: 13,
    ops: ['Squeeze', 'Unsqueeze', 'ReduceSum'],
    apply: (node, upgrading) => intsBecomeInput(node, upgrading, 'axes'),
  },
  {
    until: 13,
    ops: ['Split'],
    apply: (node, upgrading) => intsBecomeInput(node, upgrading, 'split'),
  },
  {
    until: 10,
    ops: ['Slice'],
    apply: (node, upgrading) => {
      const ends = intsAttribute(node, 'ends') ?? [];
      const starts = intsAttribute(node, 'starts') ?? [];
      const axes = intsAttribute(node, 'axes') ?? starts.map((_, axis) => axis);
      const input = (role: string, values: number[]) =>
        upgrading.constant(node, role, int64([values.length], values.map(withinInt64)));
      const inputs = [node.inputs[0] ?? '', input('starts', starts), input('ends', ends), input('axes', axes)];
      return [changed(node, inputs, { starts: undefined, ends: undefined, axes: undefined })];
    },
  },
  {
    until: 11,
    ops: ['Pad'],
    apply: (node, upgrading) => {
      const pads = intsAttribute(node, 'pads') ?? [];
      const inputs = [node.inputs[0] ?? '', upgrading.constant(node, 'pads', int64([pads.length], pads))];
      if (stringAttribute(node, 'mode', 'constant') === 'constant')
        inputs.push(upgrading.constant(node, 'value', float32([], [floatAttribute(node, 'value', 0)])));
      return [changed(node, inputs, { pads: undefined, value: undefined })];
    },
  },
  { until: 11, ops: ['Resize'], apply: (node) => [asResize(node, node.inputs[1] ?? '')] },
  {
    until: 10,
    ops: ['Upsample'],
    apply: (node, upgrading) => {
      const { scales } = node.attributes;
      const input =
        scales?.type === 'floats'
          ? upgrading.constant(node, 'scales', float32([scales.value.length], scales.value))
          : (node.inputs[1] ?? '');
      return [asResize(node, input)];
    },
  },
  {
    until: 14,
    ops: ['BatchNormalization'],
    // Further outputs belonged to training; a model that reads them fails the check of its inputs.
    apply: (node) => [{ ...changed(node, node.inputs, { spatial: undefined }), outputs: node.outputs.slice(0, 1) }],
  },
  { until: 11, ops: ['Scatter'], apply: (node) => [{ ...node, op: 'ScatterElements' }] },
  {
    until: 18,
    ops: REDUCTIONS.map((name) => `Reduce${name}`),
    apply: (node, upgrading) => intsBecomeInput(node, upgrading, 'axes'),
  },
  {
    until: 18,
    ops: ['Split'],
    apply: (node) =>
      node.inputs.length > 1 && node.inputs[1] !== ''
        ? [node]
        : [changed(node, node.inputs, { num_outputs: { type: 'int', value: node.outputs.length } })],
  },
];

/** Upsample, and Resize as it was in opset 10. */
function asResize(node: Node, scales: string): Node {
  const resized = changed(node, [node.inputs[0] ?? '', '', scales], {
    scales: undefined,
    coordinate_transformation_mode: { type: 'string', value: 'asymmetric' },
    nearest_mode: { type: 'string', value: 'floor' },
  });
  return { ...resized, op: 'Resize' };
}

/**
 * Softmax and its kin took all axes from `axis` on together; now they take one. The two are the same when that is the
 * last axis, or with the others flattened around it.
 */
function overTrailingAxes(node: Node, upgrading: Upgrading): Node[] {
  const axis = intAttribute(node, 'axis', 1);
  const [input = ''] = node.inputs;
  const rank = upgrading.rank(input);
  if (axis === -1 || (rank !== undefined && axis === rank - 1))
    return [changed(node, node.inputs, { axis: { type: 'int', value: -1 } })];
  const [shape, flat, result] = ['shape', 'flat', 'result'].map((role) => upgrading.value(node, role));
  if (shape === undefined || flat === undefined || result === undefined) return [node];
  const helper = (op: string, inputs: string[], output: string, attributes: Record<string, Attribute> = {}): Node => ({
    name: output,
    op,
    domain: '',
    inputs,
    outputs: [output],
    attributes,
  });
  return [
    helper('Shape', [input], shape),
    helper('Flatten', [input], flat, { axis: { type: 'int', value: axis } }),
    { ...changed(node, [flat], { axis: { type: 'int', value: -1 } }), outputs: [result] },
    { ...helper('Reshape', [result, shape], node.outputs[0] ?? ''), name: `${node.name}_unflattened` },
  ];
}

function withinInt64(value: number): number {
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

/** The graph, whose nodes have the semantics of `opset`, with those of opset 18 or `opset`, whichever is later. */
export function upgrade(graph: Graph, opset: number): Graph {
  if (opset >= GRAPH_OPSET) return graph;
  const initializers = new Map(graph.initializers);
  const taken = new Set([...initializers.keys(), ...graph.inputs.map(({ name }) => name)]);
  for (const node of graph.nodes) for (const name of [...node.outputs, node.name]) taken.add(name);
  const unique = (base: string): string => {
    let name = base;
    for (let suffix = 1; taken.has(name); suffix++) name = `${base}_${suffix}`;
    taken.add(name);
    return name;
  };
  const shared: Omit<Upgrading, 'rank'> = {
    value: (node, role) => unique(`${node.name}_${role}`),
    constant: (node, role, tensor) => {
      const name = unique(`${node.name}_${role}`);
      initializers.set(name, tensor);
      return name;
    },
  };
  const needsRank = (change: Change) => change.apply === overTrailingAxes;
  const run = (nodes: readonly Node[], changes: readonly Change[], rank: Upgrading['rank']): Node[] => {
    const due = changes.filter(({ until }) => opset < until);
    return due.reduce<Node[]>(
      (current, change) =>
        current.flatMap((node) =>
          node.domain === '' && change.ops.includes(node.op) ? change.apply(node, { ...shared, rank }) : [node],
        ),
      [...nodes],
    );
  };
  const nodes = run(
    graph.nodes,
    CHANGES.filter((change) => !needsRank(change)),
    () => undefined,
  );
  const plain = { ...graph, nodes, initializers };
  return { ...plain, nodes: run(nodes, CHANGES.filter(needsRank), ranksOf(plain, opset)) };
}

/** Ranks as far as they can be told: only softmaxes before opset 13 need them, and their own shapes do not depend on it. */
function ranksOf(graph: Graph, opset: number): Upgrading['rank'] {
  const soft = graph.nodes.some(({ op }) => op === 'Softmax' || op === 'LogSoftmax' || op === 'Hardmax');
  if (!soft || opset >= 13) return () => undefined;
  try {
    const { types } = inferShapes(graph);
    return (value) => types.get(value)?.dims.length;
  } catch (error) {
    if (error instanceof TascnetError) return () => undefined;
    throw error;
  }
}
