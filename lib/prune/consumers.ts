/** The layers whose input channels were cut, as regressions: what each reads, what it makes, and its weight as a matrix. */

import { keyOf } from '../analyze/relations.js';
import { inferShapes, shapedNode } from '../analyze/shapes.js';
import type { Graph, Node } from '../graph/graph.js';
import type { TensorOf } from '../graph/tensor.js';
import type { LinearLayer } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';
import { transpose } from './regression.js';

export interface Consumer {
  node: Node;
  weight: string;
  input: string;
  output: string;
  layer: LinearLayer;
  /** The channels of the uncut output that stay. */
  keptOutputs: Int32Array;
  /** Bias of the uncut layer, by uncut output channel. */
  bias: Float32Array | undefined;
}

/**
 * @param kept for every axis that was cut, the elements that stayed.
 * @returns the linear layers with a cut input, in the order of the graph. Others (a weight that two nodes share, a grouped
 * convolution) keep their weights.
 */
export function consumersOfCut(before: Graph, kept: ReadonlyMap<string, Int32Array>): Consumer[] {
  const { types } = inferShapes(before);
  const uses = new Map<string, number>();
  for (const node of before.nodes) for (const input of node.inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  return before.nodes.flatMap((node): Consumer[] => {
    const linear = operatorOf(node)?.linear;
    const layer = linear?.(shapedNode(before, node, types));
    if (!layer) return [];
    const [input = '', output = ''] = [node.inputs[0], node.outputs[0]];
    const weight = node.inputs[layer.weight] ?? '';
    const tensor = before.initializers.get(weight);
    const rank = types.get(input)?.dims.length;
    if (tensor?.dtype !== 'float32' || uses.get(weight) !== 1 || (rank !== 2 && rank !== 4)) return [];
    if (!kept.has(keyOf({ value: weight, axis: layer.inputAxis }))) return [];
    const outputs = tensor.dims[1 - layer.inputAxis] ?? 0;
    const bias = layer.bias === undefined ? undefined : before.initializers.get(node.inputs[layer.bias] ?? '');
    const keptOutputs =
      kept.get(keyOf({ value: output, axis: 1 })) ?? Int32Array.from({ length: outputs }, (_, i) => i);
    return [
      { node, weight, input, output, layer, keptOutputs, bias: bias?.dtype === 'float32' ? bias.data : undefined },
    ];
  });
}

/** A weight as a matrix [unknowns × outputs], row-major. */
export function toMatrix(
  { data, dims }: TensorOf<'float32'>,
  { inputAxis }: LinearLayer,
): { matrix: Float32Array; unknowns: number; outputs: number } {
  const outputs = dims[1 - inputAxis] ?? 0;
  const unknowns = data.length / outputs;
  return { matrix: inputAxis === 0 ? data : transpose(data, outputs, unknowns), unknowns, outputs };
}

/** The inverse of `toMatrix`. */
export function fromMatrix(matrix: Float32Array, outputs: number, { inputAxis }: LinearLayer): Float32Array {
  return inputAxis === 0 ? matrix : transpose(matrix, matrix.length / outputs, outputs);
}
