/** Constants computed once, at import: what exporters leave of their shape arithmetic goes away. */

import { type Graph, type Node, withoutDead } from '../graph/graph.js';
import { float32, int64, type Tensor } from '../graph/tensor.js';
import type { ValueType } from '../ops/operator.js';
import { settledOutputs } from './output-types.js';
import { withOwnVectors } from './own-vectors.js';
import { constantInputs, withConstantInput } from './shape-inputs.js';
import { inferShapes } from './shapes.js';

/**
 * The same function with fewer nodes. Constant nodes and copies of initializers become initializers; a node whose outputs
 * follow from shapes and constants alone is replaced by them; shapes with an extent known only at run time (a Reshape to
 * [N, 512, 7, 7]) become constants where the operator can say it (0 or −1). The types of graph outputs are settled. Each
 * layer has its own vectors.
 * @throws TascnetError when a node's inputs contradict its operator.
 */
export function fold(graph: Graph): Graph {
  const plain = withoutCopies(withConstantNodes(graph));
  const { types } = inferShapes(plain);
  const computed = withComputed(plain, types);
  const worded = withWordedShapes(computed, types);
  return withOwnVectors(settledOutputs(withoutDead(withoutIdleCasts(worded, types))));
}

/** Constant nodes as initializers. */
function withConstantNodes(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.filter((node) => {
    const [output] = node.outputs;
    if (node.op !== 'Constant' || node.domain !== '' || output === undefined || outputs.has(output)) return true;
    const tensor = constantOf(node);
    if (tensor) initializers.set(output, tensor);
    return !tensor;
  });
  return { ...graph, nodes, initializers };
}

/** The value of a Constant node; undefined where it is of a kind that has no Tensor. */
function constantOf(node: Node): Tensor | undefined {
  const [attribute] = Object.values(node.attributes);
  switch (attribute?.type) {
    case 'tensor':
      return attribute.value;
    case 'int':
      return int64([], [attribute.value]);
    case 'ints':
      return int64([attribute.value.length], attribute.value);
    case 'float':
      return float32([], [attribute.value]);
    case 'floats':
      return float32([attribute.value.length], attribute.value);
    case 'string':
      return { dtype: 'string', dims: [], data: [attribute.value] };
    case 'strings':
      return { dtype: 'string', dims: [attribute.value.length], data: attribute.value };
    default:
      return undefined;
  }
}

/** Identity of an initializer: its readers read the initializer. */
function withoutCopies(graph: Graph): Graph {
  const constant = (value: string) => graph.initializers.has(value);
  return bypass(graph, ({ op, domain }, source) => op === 'Identity' && domain === '' && constant(source));
}

/** Casts to the type that a value already has: a model whose float16 was widened is full of them. */
function withoutIdleCasts(graph: Graph, types: ReadonlyMap<string, ValueType>): Graph {
  return bypass(graph, (node, source) => {
    if (!['Cast', 'CastLike'].includes(node.op) || node.domain !== '') return false;
    const before = types.get(source)?.dtype;
    return before !== undefined && before === types.get(node.outputs[0] ?? '')?.dtype;
  });
}

/** Without the nodes of one input for which `idle` says that they pass it on; those that make graph outputs stay. */
function bypass(graph: Graph, idle: (node: Node, source: string) => boolean): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const sources = new Map<string, string>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => sources.get(input) ?? input);
    const [source = ''] = inputs;
    const [output = ''] = node.outputs;
    if (source !== '' && !outputs.has(output) && idle(node, source)) sources.set(output, source);
    else nodes.push({ ...node, inputs });
  }
  return { ...graph, nodes };
}

/** Nodes whose outputs are known become initializers. */
function withComputed(graph: Graph, types: ReadonlyMap<string, ValueType>): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.filter((node) => {
    const made = node.outputs.filter((output) => output !== '');
    if (made.some((output) => outputs.has(output))) return true;
    const tensors = made.map((output) => constantType(types.get(output)));
    if (!tensors.every((tensor) => tensor !== undefined)) return true;
    made.forEach((output, index) => {
      const tensor = tensors[index];
      if (tensor) initializers.set(output, tensor);
    });
    return false;
  });
  return { ...graph, nodes, initializers };
}

/** The constant that a type describes; undefined when an element is not known, or not exactly. */
function constantType(type: ValueType | undefined): Tensor | undefined {
  if (!type?.elements || !type.dims.every((extent) => typeof extent === 'number')) return undefined;
  if (!type.elements.every((element) => typeof element === 'number')) return undefined;
  const { dtype, dims, elements } = type;
  if (dtype === 'float32') return float32(dims, elements);
  if (!elements.every(Number.isSafeInteger)) return undefined;
  if (dtype === 'int64') return int64(dims, elements);
  if (dtype === 'int32') return { dtype, dims, data: Int32Array.from(elements) };
  if (dtype === 'bool') return { dtype, dims, data: Uint8Array.from(elements) };
  return undefined;
}

function withWordedShapes(graph: Graph, types: ReadonlyMap<string, ValueType>): Graph {
  let current = graph;
  for (const node of graph.nodes) {
    const worded = constantInputs(
      node,
      node.inputs.map((input) => types.get(input)),
    );
    for (const [position, tensor] of worded?.inputs ?? [])
      current = withConstantInput(current, node.name, position, tensor, worded?.attributes);
  }
  return current;
}
