/** The original network with the slices zeroed that a plan says were cut: its outputs are those of the pruned network. */

import type { Graph } from '../../lib/graph/graph.js';
import { float32, float32Data, sizeOf } from '../../lib/graph/tensor.js';
import type { Plan } from '../../lib/surgery/plan.js';

export function zeroed(graph: Graph, plan: Plan): Graph {
  const initializers = new Map(graph.initializers);
  for (const { members } of plan.groups)
    for (const { tensor: name, axis, removed } of members) {
      const tensor = initializers.get(name);
      if (!tensor) throw new Error(`The plan names "${name}", which the graph lacks.`);
      const data = Float32Array.from(float32Data(tensor, name));
      const inner = sizeOf(tensor.dims.slice(axis + 1));
      const extent = tensor.dims[axis] ?? 1;
      for (let outer = 0; outer < sizeOf(tensor.dims.slice(0, axis)); outer++)
        for (const index of removed)
          data.fill(0, (outer * extent + index) * inner, (outer * extent + index + 1) * inner);
      initializers.set(name, float32([...tensor.dims], data));
    }
  return { ...graph, initializers };
}
