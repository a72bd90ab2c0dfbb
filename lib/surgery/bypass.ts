/** Parts of a network left out: what read their result reads what they were computed from. */

import type { Graph } from '../graph/graph.js';
import { withoutDead } from '../graph/graph.js';

export interface Bypass {
  from: string;
  to: string;
}

/** The graph in which every reader of each `from` reads its `to` instead, through several of them where they meet. */
export function withBypasses(graph: Graph, bypasses: readonly Bypass[]): Graph {
  if (bypasses.length === 0) return graph;
  const next = new Map(bypasses.map(({ from, to }) => [from, to]));
  const instead = (name: string): string => {
    const to = next.get(name);
    return to === undefined ? name : instead(to);
  };
  const nodes = graph.nodes.map((node) =>
    node.inputs.some((name) => next.has(name)) ? { ...node, inputs: node.inputs.map(instead) } : node,
  );
  return withoutDead({ ...graph, nodes });
}
