/** Types of every value of a graph, from the operators' `infer`. */

import { TascnetError } from '../errors.js';
import type { Dim, Graph, Node } from '../graph/graph.js';
import { type DataType, numbersOf, sizeOf, type Tensor } from '../graph/tensor.js';
import { MAX_KNOWN_ELEMENTS, type ShapedNode, type ValueType } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';

export interface Shapes {
  /** Types of the graph inputs, initializers and node outputs that could be told. */
  types: Map<string, ValueType>;
  /** Nodes that tell nothing of their outputs, with the reason: an unknown operator, or unknown inputs. */
  unknown: { node: Node; reason: string }[];
}

/** The type of a constant, with its elements where they are few. */
export function typeOfTensor(tensor: Tensor): ValueType {
  const { dtype, dims } = tensor;
  return dtype === 'string' || sizeOf(dims) > MAX_KNOWN_ELEMENTS ? { dtype, dims } : new KnownConstant(tensor);
}

/** Most constants are weights, whose elements nobody asks for. */
class KnownConstant implements ValueType {
  readonly dtype: DataType;
  readonly dims: number[];
  readonly #tensor: Tensor;
  #elements: number[] | undefined;

  constructor(tensor: Tensor) {
    this.dtype = tensor.dtype;
    this.dims = tensor.dims;
    this.#tensor = tensor;
  }

  get elements(): number[] {
    this.#elements ??= numbersOf(this.#tensor);
    return this.#elements;
  }
}

/**
 * Infers the type of every value.
 * @param inputs extents to assume for graph inputs in place of their own (another image size, a batch size).
 * @throws TascnetError when a node's inputs contradict its operator.
 */
export function inferShapes(graph: Graph, inputs: Record<string, Dim[]> = {}): Shapes {
  const types = new Map<string, ValueType>();
  const unknown: Shapes['unknown'] = [];
  let symbols = 0;
  for (const [name, tensor] of graph.initializers) types.set(name, typeOfTensor(tensor));
  for (const { name, dtype, dims } of graph.inputs) {
    const known = inputs[name] ?? dims;
    if (known) types.set(name, { dtype, dims: known });
  }
  for (const node of graph.nodes) {
    const operator = operatorOf(node);
    if (!operator) {
      unknown.push({ node, reason: `operator ${node.domain ? `${node.domain}.` : ''}${node.op} is not known` });
      continue;
    }
    const missing = node.inputs.find((input) => input !== '' && !types.has(input));
    if (missing !== undefined) {
      unknown.push({ node, reason: `the shape of its input "${missing}" is not known` });
      continue;
    }
    const outputs = operator.infer({
      node,
      opset: graph.opset,
      inputs: node.inputs.map((input) => types.get(input)),
      unknown: () => `?${symbols++}`,
    });
    node.outputs.forEach((output, index) => {
      const type = outputs[index];
      if (output !== '' && type) types.set(output, type);
    });
  }
  return { types, unknown };
}

/** A node with the types around it. @throws TascnetError when one of its outputs has no known type. */
export function shapedNode(graph: Graph, node: Node, types: ReadonlyMap<string, ValueType>): ShapedNode {
  const outputs = node.outputs.map((output) => {
    const type = types.get(output);
    if (!type && output !== '')
      throw new TascnetError(`${node.op} "${node.name}": the shape of its output "${output}" is not known.`);
    return type ?? { dtype: 'float32' as const, dims: [] };
  });
  return { node, opset: graph.opset, inputs: node.inputs.map((input) => types.get(input)), outputs };
}
