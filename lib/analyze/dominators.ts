/** Through which values everything flows: the tree of dominators of a graph (Lengauer and Tarjan 1979 name the problem). */

import type { Graph } from '../graph/graph.js';

export interface Dominators {
  /** The nearest other value through which everything flows that reaches a value; undefined for an input of the graph. */
  of(value: string): string | undefined;
  /** Whether it depends on an input of the graph. */
  flows(value: string): boolean;
  /** Whether everything that reaches `value` comes through `earlier`, which may be `value` itself. */
  dominates(earlier: string, value: string): boolean;
}

/** Dominators of the values that depend on the graph's inputs; what depends on constants alone has none. */
export function dominatorsOf(graph: Graph): Dominators {
  const parent = new Map<string, string | undefined>();
  const depth = new Map<string, number>();
  const place = (value: string, above: string | undefined) => {
    parent.set(value, above);
    depth.set(value, above === undefined ? 0 : (depth.get(above) ?? 0) + 1);
  };
  const common = (a: string | undefined, b: string | undefined): string | undefined => {
    let [left, right] = [a, b];
    while (left !== right) {
      if (left === undefined || right === undefined) return undefined;
      if ((depth.get(left) ?? 0) >= (depth.get(right) ?? 0)) left = parent.get(left);
      else right = parent.get(right);
    }
    return left;
  };
  for (const { name } of graph.inputs) place(name, undefined);
  // Nodes stand in topological order: one pass is enough.
  for (const node of graph.nodes) {
    const flowing = node.inputs.filter((name) => parent.has(name));
    const [first, ...others] = flowing;
    if (first === undefined) continue;
    const above = others.reduce<string | undefined>(common, first);
    for (const output of node.outputs) if (output !== '') place(output, above);
  }
  return {
    of: (value) => parent.get(value),
    flows: (value) => parent.has(value),
    dominates: (earlier, value) => {
      for (let at: string | undefined = value; at !== undefined; at = parent.get(at)) if (at === earlier) return true;
      return false;
    },
  };
}
