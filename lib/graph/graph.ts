/**
 * The one representation of a model: nodes, initializers and value infos with ONNX semantics (opset 18 or later, NCHW
 * logical order). Every importer makes one, every stage takes one and returns a new one, every exporter writes one.
 * A `Graph` is data: treat it as immutable and share tensors between graphs freely.
 */

import type { DataType, Tensor } from './tensor.js';

/** An extent: a number, or a symbol (such as `N`) for one that is known only at run time. Equal symbols are equal extents. */
export type Dim = number | string;

/** A graph input or output, or a recorded intermediate value. `dims` is undefined when not even the rank is known. */
export interface ValueInfo {
  name: string;
  dtype: DataType;
  dims: Dim[] | undefined;
}

/** ONNX attributes, tagged with their type so that they are written as they were read. */
export type Attribute =
  | { type: 'int'; value: number }
  | { type: 'float'; value: number }
  | { type: 'string'; value: string }
  | { type: 'ints'; value: number[] }
  | { type: 'floats'; value: number[] }
  | { type: 'strings'; value: string[] }
  | { type: 'tensor'; value: Tensor }
  /** Anything else (sub-graphs, sparse tensors, …): the serialised AttributeProto, written back byte for byte. */
  | { type: 'opaque'; value: Uint8Array };

export interface Node {
  /** Unique within the graph; made up by the importer where the file gives none. */
  name: string;
  /** ONNX op_type, such as `Conv`. */
  op: string;
  /** '' for the standard ONNX operators. */
  domain: string;
  /** Value names; '' for an optional input that is left out. */
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

export interface Graph {
  name: string;
  /** Version of the standard operator set, 18 or later: readers upgrade older files. */
  opset: number;
  /** Versions of other domains that the nodes use. */
  domains: Record<string, number>;
  /** In topological order: every input of a node is a graph input, an initializer or an output of an earlier node. */
  nodes: Node[];
  /** Without the initializers. */
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  initializers: Map<string, Tensor>;
  /** ONNX `metadata_props`: class names, preprocessing, provenance. */
  metadata: Record<string, string>;
}

/** The node that makes each value. */
export function producers(graph: Graph): Map<string, Node> {
  const made = new Map<string, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) if (output !== '') made.set(output, node);
  return made;
}

/** The nodes that read each value, with the position of the input; a node that reads it twice stands there twice. */
export function consumers(graph: Graph): Map<string, { node: Node; input: number }[]> {
  const readers = new Map<string, { node: Node; input: number }[]>();
  for (const node of graph.nodes)
    node.inputs.forEach((value, input) => {
      if (value === '') return;
      const list = readers.get(value);
      if (list) list.push({ node, input });
      else readers.set(value, [{ node, input }]);
    });
  return readers;
}

/** The graph without nodes that no output needs and without initializers that no node (or output) reads. */
export function withoutDead(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((output) => output.name));
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    for (const input of node.inputs) needed.add(input);
    nodes.push(node);
  }
  return {
    ...graph,
    nodes: nodes.reverse(),
    initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
  };
}
