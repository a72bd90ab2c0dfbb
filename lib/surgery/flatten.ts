/** Reshapes that say by numbers what Flatten says by its name. */

import { inferShapes } from '../analyze/shapes.js';
import { type Graph, withoutDead } from '../graph/graph.js';

/**
 * The graph in which Reshapes that make one row of each sample are Flatten, which takes any number of channels. Exporters
 * write the number that they saw, and −1 for the batch: with half of the channels two samples would become one row.
 */
export function withFlattens(graph: Graph): Graph {
  const { types } = inferShapes(graph);
  let changed = false;
  const nodes = graph.nodes.map((node) => {
    const [from, to] = [types.get(node.inputs[0] ?? ''), types.get(node.outputs[0] ?? '')];
    const [batch] = from?.dims ?? [];
    if (node.op !== 'Reshape' || node.domain !== '' || typeof batch !== 'string') return node;
    if (to?.dims.length !== 2 || to.dims[0] !== batch) return node;
    changed = true;
    const axis = { type: 'int' as const, value: 1 };
    return { ...node, op: 'Flatten', inputs: node.inputs.slice(0, 1), attributes: { axis } };
  });
  return changed ? withoutDead({ ...graph, nodes }) : graph;
}
