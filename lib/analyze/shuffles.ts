/**
 * Channel shuffles: a Reshape that splits an axis, a Transpose of the parts, a Reshape that joins them again (ShuffleNet;
 * Zhang et al. 2018). Each part by itself could only lose whole rows or columns of channels; together they are a
 * permutation, which can lose any. It is found by what the operators say of the axes, whatever the nodes are.
 */

import { consumers, type Graph, type Node } from '../graph/graph.js';
import { type Relation, type ValueType, wholeAxis } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';
import type { DescribedNode, Shuffle } from './described.js';

/** Where an axis of a value on the way comes from: an axis of the first value, or part `part` of the split one. */
interface Origin {
  axis: number;
  part?: number;
}

const LONGEST = 6;

export function findShuffles(graph: Graph, described: readonly DescribedNode[]): Shuffle[] {
  if (!described.some(({ relations }) => relations.some(isSplit))) return [];
  const readers = consumers(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const entries = new Map(described.map((entry) => [entry.node, entry]));
  const isArgument = (node: Node) => {
    const made = entries.get(node)?.shaped?.outputs ?? [];
    return made.length > 0 && made.every(({ dtype }) => /^u?int/.test(dtype));
  };
  /** The node that reads a value, besides what works out shapes from it. */
  const only = (value: string): DescribedNode | undefined => {
    const [use, ...others] = (readers.get(value) ?? []).filter(({ node }) => !isArgument(node));
    return use && others.length === 0 && !outputs.has(value) ? entries.get(use.node) : undefined;
  };
  /** Whether the values between the nodes, and all that follows from them, are read by these nodes alone. */
  const isClosed = (nodes: readonly Node[]): boolean => {
    const seen = new Set<Node>(nodes);
    const queue = nodes.slice(0, -1).flatMap((node) => node.outputs);
    for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
      if (outputs.has(value)) return false;
      for (const { node } of readers.get(value) ?? []) {
        if (seen.has(node)) continue;
        if (!isArgument(node)) return false;
        seen.add(node);
        queue.push(...node.outputs);
      }
    }
    return true;
  };
  const taken = new Set<Node>();
  return described.flatMap((entry) => {
    if (taken.has(entry.node)) return [];
    const shuffle = shuffleFrom(entry, only);
    if (!shuffle || !isClosed(shuffle.nodes)) return [];
    for (const node of shuffle.nodes) taken.add(node);
    return [shuffle];
  });
}

/** Whether it makes several axes of one. */
function isSplit(relation: Relation): relation is Extract<Relation, { kind: 'reshape' }> {
  return relation.kind === 'reshape' && relation.from.axes.length === 1 && relation.to.axes.length > 1;
}

function shuffleFrom(first: DescribedNode, only: (value: string) => DescribedNode | undefined): Shuffle | undefined {
  const split = first.relations.find((relation) => relation.kind === 'reshape');
  if (!split || !isSplit(split)) return undefined;
  const [axis = 0] = split.from.axes;
  const input = first.shaped?.inputs[0];
  const from = split.from.value;
  if (!input || first.node.inputs[0] !== from) return undefined;
  const parts = split.to.axes.map((at) => Number(first.shaped?.outputs[0]?.dims[at]));
  let origins: Origin[] | undefined = input.dims.map((_, at) => ({ axis: at }));
  const nodes: Node[] = [];
  for (let entry: DescribedNode | undefined = first; entry && origins && nodes.length < LONGEST; ) {
    const moved = moves(entry, origins, axis);
    const output = entry.node.outputs[0] ?? '';
    const type = entry.shaped?.outputs[0];
    if (!moved || !type) return undefined;
    nodes.push(entry.node);
    if (moved.joined) {
      const same =
        type.dims.join() === input.dims.join() &&
        moved.origins.every((origin, at) => origin.axis === at || type.dims[at] === 1);
      if (!same) return undefined;
      const order = orderOf(parts, moved.joined);
      return { nodes, from, to: output, axis, order, relations: relationsOf(from, input, output, axis, order) };
    }
    origins = moved.origins;
    entry = only(output);
  }
  return undefined;
}

/** Where the output axes of a node come from; undefined unless it only moves elements. `joined`: the order of the parts. */
function moves(
  { node, shaped, relations }: DescribedNode,
  origins: readonly Origin[],
  split: number,
): { origins: Origin[]; joined?: number[] } | undefined {
  const [input, output] = [shaped?.inputs[0], shaped?.outputs[0]];
  const [from, to] = [node.inputs[0], node.outputs[0]];
  const operator = operatorOf(node);
  if (!shaped || !input || !output || !operator || node.outputs.length !== 1 || input.dtype !== output.dtype)
    return undefined;
  if (operator.cost(shaped).length > 0 || relations.some(holds)) return undefined;
  let joined: number[] | undefined;
  const result = output.dims.map((extent, axis): Origin | undefined => {
    if (typeof extent === 'string') return symbolic(input, output, origins, extent);
    if (extent === 1) return ones(input, output, origins, axis);
    const related = relations.filter(
      (relation) =>
        (relation.kind === 'same' && relation.b.value === to && relation.b.axis === axis) ||
        (relation.kind === 'reshape' && relation.to.axes.includes(axis)),
    );
    const [relation] = related;
    if (!relation || related.length > 1) return undefined;
    if (relation.kind === 'same') {
      const { a, b, blocks } = relation;
      const whole = a.value === from && !a.at && !b.at && a.length === extent && b.length === extent && !blocks;
      return whole ? origins[a.axis] : undefined;
    }
    if (relation.kind !== 'reshape') return undefined;
    if (relation.from.axes.length === 1 && origins[relation.from.axes[0] ?? 0]?.axis === split)
      return { axis: split, part: relation.to.axes.indexOf(axis) };
    const order = relation.from.axes.map((at) => (origins[at]?.axis === split ? origins[at]?.part : undefined));
    if (relation.to.axes.length !== 1 || !order.every((part) => part !== undefined)) return undefined;
    joined = order;
    return { axis: split };
  });
  return result.every((origin) => origin !== undefined)
    ? { origins: result, ...(joined ? { joined } : {}) }
    : undefined;
}

/** Whether a relation says more than where elements go. */
function holds(relation: Relation): boolean {
  return relation.kind === 'either' || (relation.kind === 'pin' && !relation.unlessShuffling);
}

/** The batch, or another extent known only at run time: told by its symbol where no other axis has it. */
function symbolic(input: ValueType, output: ValueType, origins: readonly Origin[], symbol: string): Origin | undefined {
  const once = (type: ValueType) => type.dims.filter((extent) => extent === symbol).length === 1;
  return once(input) && once(output) ? origins[input.dims.indexOf(symbol)] : undefined;
}

/** An axis of extent 1 holds no order of elements: the one at the same place from either end. */
function ones(input: ValueType, output: ValueType, origins: readonly Origin[], axis: number): Origin | undefined {
  const fromEnd = axis - output.dims.length + input.dims.length;
  const at = [fromEnd, axis].find((place) => input.dims[place] === 1);
  return at === undefined ? undefined : origins[at];
}

/** The order of elements when axes of extents `parts`, row-major, are joined in another order. */
function orderOf(parts: readonly number[], joined: readonly number[]): Int32Array {
  const stride = parts.map((_, part) => parts.slice(part + 1).reduce((product, extent) => product * extent, 1));
  const total = parts.reduce((product, extent) => product * extent, 1);
  return Int32Array.from({ length: total }, (_, index) => {
    let rest = index;
    let source = 0;
    for (const part of joined.toReversed()) {
      const extent = parts[part] ?? 1;
      source += (rest % extent) * (stride[part] ?? 1);
      rest = Math.floor(rest / extent);
    }
    return source;
  });
}

function relationsOf(from: string, input: ValueType, to: string, axis: number, order: Int32Array): Relation[] {
  return input.dims.flatMap((extent, at): Relation[] => {
    const a = wholeAxis(from, input, at);
    const b = wholeAxis(to, input, at);
    if (!a || !b || extent === 1) return [];
    return [{ kind: 'same', a: at === axis ? { ...a, at: order } : a, b }];
  });
}
