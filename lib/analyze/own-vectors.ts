/**
 * Vectors that exporters have stored once for many layers, because their elements happen to be equal: biases of zero,
 * batch norms without a scale, what was not trained yet. As one tensor they would tie the channels of all those layers.
 */

import { consumers, type Graph, type Node } from '../graph/graph.js';
import { freshNames } from '../graph/names.js';
import type { Tensor } from '../graph/tensor.js';
import { operatorOf } from '../ops/registry.js';

/**
 * The same function with a vector for each layer, under names of their own; the first one keeps the name. Layers that
 * share their weights are one layer, and keep sharing their vectors as well.
 */
export function withOwnVectors(graph: Graph): Graph {
  const fresh = freshNames(graph);
  const initializers = new Map(graph.initializers);
  const renamed = new Map<Node, Map<number, string>>();
  for (const [name, uses] of consumers(graph)) {
    const tensor = graph.initializers.get(name);
    if (!tensor || uses.length < 2 || !isVector(tensor) || !uses.every((use) => isOfOne(tensor, use))) continue;
    const names = new Map<string, string>();
    for (const { node, input } of uses) {
      const layer = weightsOf(graph, node) || node.name;
      const own = names.get(layer) ?? (names.size === 0 ? name : fresh(name));
      names.set(layer, own);
      if (own === name) continue;
      initializers.set(own, tensor);
      const inputs = renamed.get(node) ?? new Map<number, string>();
      renamed.set(node, inputs.set(input, own));
    }
  }
  if (renamed.size === 0) return graph;
  const nodes = graph.nodes.map((node) => {
    const names = renamed.get(node);
    return names ? { ...node, inputs: node.inputs.map((input, position) => names.get(position) ?? input) } : node;
  });
  return { ...graph, nodes, initializers };
}

function isVector({ dtype, dims }: Tensor): boolean {
  return dtype === 'float32' && dims.filter((extent) => extent !== 1).length === 1;
}

/** Whether it says one thing of each channel, and is not itself what makes them (the weight of a 1×1 depthwise layer). */
function isOfOne({ dims }: Tensor, { node, input }: { node: Node; input: number }): boolean {
  return dims.length === 1 || operatorOf(node)?.parameters?.includes(input) !== true;
}

/** The names of the matrices and kernels that a node reads; '' where it has none. */
function weightsOf({ initializers }: Graph, { inputs }: Node): string {
  const weights = inputs.filter((input) => {
    const tensor = initializers.get(input);
    return tensor?.dtype === 'float32' && tensor.data.length > 1 && !isVector(tensor);
  });
  return weights.join('\n');
}
