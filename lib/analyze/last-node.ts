/** Where a network's scores are made. */

import { type Graph, type Node, producers } from '../graph/graph.js';
import { operatorOf } from '../ops/registry.js';

/** The node that makes the elements of the first output, whatever puts them into another shape behind it. */
export function lastNode(graph: Graph): Node | undefined {
  const made = producers(graph);
  let node = made.get(graph.outputs[0]?.name ?? '');
  while (node && operatorOf(node)?.passes === 'elements') node = made.get(node.inputs[0] ?? '');
  return node;
}
