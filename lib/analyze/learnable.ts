/** Which initializers of a graph training changes. */

import type { Graph } from '../graph/graph.js';
import type { Tensor } from '../graph/tensor.js';
import { operatorOf } from '../ops/registry.js';

export interface Learnable {
  /** Learnt by gradient: weights, biases, scales. In the order in which nodes read them. */
  parameters: Set<string>;
  /** Updated in the forward pass: running means and variances. */
  buffers: Set<string>;
}

/** Sorts the float32 initializers that operators learn from those that are constants of the architecture. */
export function learnableInitializers(graph: Graph): Learnable {
  const parameters = new Set<string>();
  const buffers = new Set<string>();
  for (const node of graph.nodes) {
    const operator = operatorOf(node);
    node.inputs.forEach((name, input) => {
      const tensor = graph.initializers.get(name);
      if (tensor?.dtype !== 'float32') return;
      if (operator?.buffers?.includes(input)) buffers.add(name);
      else if (operator?.parameters?.includes(input) && tensor.data.length > 1 && !isFixedSelection(tensor))
        parameters.add(name);
    });
  }
  return { parameters, buffers };
}

/**
 * Whether a kernel only selects: every value 0 or 1 and some of them 1, such as the shortcut of ResNet's option A (He et
 * al., arXiv 1512.03385, section 4.2) written as a convolution. Such a kernel is part of the architecture.
 */
export function isFixedSelection(tensor: Tensor): boolean {
  if (tensor.dtype !== 'float32' || tensor.dims.length < 3) return false;
  return tensor.data.every((value) => value === 0 || value === 1) && tensor.data.includes(1);
}
