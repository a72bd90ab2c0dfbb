/** The same network for any number of samples at once. */

import { TascnetError } from '../errors.js';
import type { Dim, Graph, Node } from '../graph/graph.js';
import { int64, numbersOf } from '../graph/tensor.js';
import { operatorOf } from '../ops/registry.js';
import { settledOutputs } from './output-types.js';
import { withConstantInput } from './shape-inputs.js';
import { inferShapes, shapedNode } from './shapes.js';

/** Any number of samples that is not 1, to see what a node does along the batch. */
const SEVERAL = 2;

/**
 * Makes a fixed batch a symbol, where it is certain that samples do not meet: every node passes the batch on, none
 * computes along it. A graph whose batch is open already is returned as it is.
 * @throws TascnetError naming the node that needs the batch as it is.
 */
export function withFreeBatch(graph: Graph, symbol = 'N'): Graph {
  const fixed = graph.inputs.filter(({ dims }) => typeof dims?.[0] === 'number');
  if (fixed.length === 0) return graph;
  const extents = new Set(fixed.map(({ dims }) => dims?.[0]));
  const [batch] = extents;
  if (fixed.length !== graph.inputs.length || extents.size !== 1 || typeof batch !== 'number')
    throw cannot('its inputs do not have the same first extent.');
  const inputs = graph.inputs.map((input) => ({ ...input, dims: [symbol, ...(input.dims ?? []).slice(1)] }));
  try {
    const free = settledOutputs({ ...withOpenTargets(graph, batch), inputs }, true);
    check(free, symbol);
    return free;
  } catch (error) {
    if (!(error instanceof TascnetError)) throw error;
    throw cannot(error.message, error);
  }
}

function cannot(reason: string, cause?: unknown): TascnetError {
  return new TascnetError(`The batch size of this model is fixed and cannot be opened: ${reason}`, {
    hint: 'Export the model with a dynamic batch axis.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Shapes that are given as constants, with "the input's own extent" in place of the batch. */
function withOpenTargets(graph: Graph, batch: number): Graph {
  const { types } = inferShapes(graph);
  let current = graph;
  for (const node of graph.nodes) {
    if (node.domain !== '') continue;
    const from = types.get(node.inputs[0] ?? '')?.dims[0];
    const to = types.get(node.outputs[0] ?? '')?.dims[0];
    if (from !== batch || to !== batch) continue;
    current = withOpenTarget(current, node);
  }
  return current;
}

function withOpenTarget(graph: Graph, node: Node): Graph {
  const target = (position: number) => {
    const tensor = graph.initializers.get(node.inputs[position] ?? '');
    return tensor && numbersOf(tensor);
  };
  if (node.op === 'Reshape') {
    const [, ...rest] = target(1) ?? [];
    if (rest.length === 0 || (node.attributes.allowzero && rest.includes(0))) return graph;
    return withConstantInput(graph, node.name, 1, int64([rest.length + 1], [0, ...rest]), {
      allowzero: { type: 'int', value: 0 },
    });
  }
  if (node.op === 'Expand') {
    const [, ...rest] = target(1) ?? [];
    return rest.length === 0 ? graph : withConstantInput(graph, node.name, 1, int64([rest.length + 1], [1, ...rest]));
  }
  const sizes = node.op === 'Resize' && !node.attributes.axes ? (target(3)?.slice(1) ?? []) : [];
  if (sizes.length === 0) return graph;
  return withConstantInput(graph, node.name, 3, int64([sizes.length], sizes), {
    axes: { type: 'ints', value: sizes.map((_, axis) => axis + 1) },
  });
}

/** Every node passes the batch on, and none computes along it. */
function check(graph: Graph, symbol: string): void {
  const { types, unknown } = inferShapes(graph);
  const [first] = unknown;
  if (first) throw new TascnetError(`${first.node.op} "${first.node.name}": ${first.reason}.`);
  const concrete = (dims: readonly Dim[]) => dims.map((extent) => (extent === symbol ? SEVERAL : extent));
  const several = inferShapes(
    graph,
    Object.fromEntries(graph.inputs.map(({ name, dims = [] }) => [name, concrete(dims)])),
  ).types;
  const batchAxes = (value: string): number[] =>
    (types.get(value)?.dims ?? []).flatMap((extent, axis) => (extent === symbol ? [axis] : []));
  for (const node of graph.nodes) {
    if (!node.inputs.some((input) => batchAxes(input).length > 0)) continue;
    const lost = node.outputs.some((output) => {
      const known = types.get(output)?.elements !== undefined;
      return output !== '' && !known && batchAxes(output).length !== 1;
    });
    const along = operatorOf(node)
      ?.tie(shapedNode(graph, node, several))
      .some((relation) => relation.kind === 'pin' && batchAxes(relation.at.value).includes(relation.at.axis));
    if (lost || along)
      throw new TascnetError(`${node.op} "${node.name}" computes with all samples of a batch together.`);
  }
}
