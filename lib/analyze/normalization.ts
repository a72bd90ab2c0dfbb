/**
 * Reductions over channels that normalise them. A mean over channels feels how many there are, which pins them; unless
 * all it does is to centre or scale these very channels (a layer norm, a weight standardisation, a global response norm
 * written in elementary operators): then it means the channels that are there, however many.
 */

import { consumers, type Graph } from '../graph/graph.js';
import type { CostTerm, Relation, ValueType } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';
import type { DescribedNode } from './described.js';
import { type Shapes, shapedNode } from './shapes.js';

type Readers = ReturnType<typeof consumers>;

const readersOf = new WeakMap<Graph, Readers>();

function readers(graph: Graph): Readers {
  const known = readersOf.get(graph) ?? consumers(graph);
  readersOf.set(graph, known);
  return known;
}

/** False for a pin `unlessNormalizing` of a node whose outputs come back to the channels that they were made of. */
export function staysPinned(
  graph: Graph,
  shapes: Shapes,
  { node, shaped }: DescribedNode,
  relation: Relation,
): boolean {
  if (relation.kind !== 'pin' || !relation.unlessNormalizing || !shaped) return true;
  const extent = shapes.types.get(relation.at.value)?.dims[relation.at.axis];
  if (typeof extent !== 'number') return true;
  return !node.outputs.every((output) => comesBack(graph, shapes, output, extent, new Set()));
}

/** Whether everything computed from `value` is broadcast to `extent` channels again before any weight sums over it. */
function comesBack(graph: Graph, shapes: Shapes, value: string, extent: number, seen: Set<string>): boolean {
  if (seen.has(value)) return true;
  seen.add(value);
  const uses = readers(graph).get(value) ?? [];
  if (uses.length === 0 || graph.outputs.some(({ name }) => name === value)) return false;
  const own = axesOf(shapes.types.get(value), extent);
  return uses.every(({ node }) => {
    const operator = operatorOf(node);
    const output = node.outputs[0] ?? '';
    if (!operator || !shapes.types.has(output)) return false;
    const joined = node.inputs.some((input) => input !== value && axesOf(shapes.types.get(input), extent) > own);
    if (joined && axesOf(shapes.types.get(output), extent) > own) return true;
    const cost: CostTerm[] = operator.cost(shapedNode(graph, node, shapes.types));
    return !cost.some(({ kind }) => kind === 'macs') && comesBack(graph, shapes, output, extent, seen);
  });
}

function axesOf(type: ValueType | undefined, extent: number): number {
  return type?.dims.filter((dim) => dim === extent).length ?? 0;
}
