/** What a graph says of its outputs. */

import { TascnetError } from '../errors.js';
import type { Dim, Graph } from '../graph/graph.js';
import { inferShapes } from './shapes.js';

/**
 * The graph with its outputs' types as they are inferred; what the graph itself said of them stays where nothing better
 * is known.
 * @param anew what the graph said no longer holds: its inputs have changed.
 * @throws TascnetError when a node's inputs contradict its operator, or an output has another number of axes.
 */
export function settledOutputs(graph: Graph, anew = false): Graph {
  const { types } = inferShapes(graph);
  const outputs = graph.outputs.map((output) => {
    const type = types.get(output.name);
    if (!type) return anew ? { ...output, dims: undefined } : output;
    if (output.dims && output.dims.length !== type.dims.length)
      throw new TascnetError(
        `The graph output "${output.name}" should have ${output.dims.length} axes, as the model says, but its node makes ${type.dims.length}.`,
      );
    const said = (axis: number): Dim => (anew ? undefined : output.dims?.[axis]) ?? `${output.name}_${axis}`;
    return { ...output, dtype: type.dtype, dims: type.dims.map((extent, axis) => settled(extent, said(axis))) };
  });
  return { ...graph, outputs };
}

/** Symbols that inference made up start with `?`. */
function settled(inferred: Dim, said: Dim): Dim {
  if (typeof inferred === 'number') return inferred;
  return typeof said === 'number' || inferred.startsWith('?') ? said : inferred;
}
