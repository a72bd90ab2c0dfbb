/** Names that a graph does not use yet. */

import type { Graph } from './graph.js';

/** A function that turns a wish into a name that no node, value or initializer has, and remembers it. */
export function freshNames(graph: Graph): (wish: string) => string {
  const taken = new Set<string>([
    ...graph.initializers.keys(),
    ...graph.inputs.map(({ name }) => name),
    ...graph.outputs.map(({ name }) => name),
    ...graph.nodes.flatMap((node) => [node.name, ...node.inputs, ...node.outputs]),
  ]);
  return (wish) => {
    let name = wish;
    for (let number = 1; taken.has(name); number++) name = `${wish}_${number}`;
    taken.add(name);
    return name;
  };
}
