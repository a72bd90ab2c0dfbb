/** A part of a graph as a graph of its own. */

import { inferShapes } from '../analyze/shapes.js';
import { TascnetError } from '../errors.js';
import { type Graph, withoutDead } from '../graph/graph.js';

/**
 * The nodes that compute `outputs` from `inputs`.
 * @param inputs values of the graph that become its inputs; the original inputs stay where they are still needed.
 * @throws TascnetError when the type of a value is not known.
 */
export function extract(graph: Graph, inputs: readonly string[], outputs: readonly string[]): Graph {
  const { types } = inferShapes(graph);
  const info = (name: string) => {
    const type = types.get(name);
    if (!type) throw new TascnetError(`The shape of value "${name}" is not known: the graph cannot be cut there.`);
    return { name, dtype: type.dtype, dims: type.dims };
  };
  const given = new Set(inputs);
  const nodes = graph.nodes.filter((node) => !node.outputs.some((output) => given.has(output)));
  const part = withoutDead({ ...graph, nodes, outputs: outputs.map(info) });
  const read = new Set([...part.nodes.flatMap((node) => node.inputs), ...outputs]);
  const names = [...inputs, ...graph.inputs.map((input) => input.name).filter((name) => !given.has(name))];
  return { ...part, inputs: names.filter((name) => read.has(name)).map(info) };
}
