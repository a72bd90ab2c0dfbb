/** A network cut in two at one value: the prefix that stays as it is, and the tail that is searched and trained. */

import { inferShapes } from '../analyze/shapes.js';
import { TascnetError } from '../errors.js';
import { type Dim, type Graph, type Node, withoutDead } from '../graph/graph.js';

/**
 * The deepest value through which everything flows that reaches one of `changed`: nothing before it depends on them,
 * nothing behind it on anything else that came before. The graph's input where there is no later one.
 * @throws TascnetError when the graph has not exactly one input.
 */
export function cutBefore(graph: Graph, changed: ReadonlySet<Node>): string {
  const [input, ...others] = graph.inputs;
  if (!input || others.length > 0)
    throw new TascnetError(`A network of one input can be searched; this one has ${graph.inputs.length}.`);
  const lastUse = new Map<string, number>();
  graph.nodes.forEach((node, index) => {
    for (const name of node.inputs) lastUse.set(name, index);
  });
  for (const { name } of graph.outputs) lastUse.set(name, Number.POSITIVE_INFINITY);

  let cut = input.name;
  const live = new Set([input.name]);
  const flowing = new Set([input.name]);
  for (const [index, node] of graph.nodes.entries()) {
    if (changed.has(node)) break;
    // What does not depend on the input is computed on both sides.
    if (!node.inputs.some((name) => flowing.has(name))) continue;
    for (const name of node.outputs) {
      flowing.add(name);
      if ((lastUse.get(name) ?? -1) > index) live.add(name);
    }
    for (const name of node.inputs) if (lastUse.get(name) === index) live.delete(name);
    const [only] = live;
    if (live.size === 1 && only !== undefined) cut = only;
  }
  return cut;
}

/** What stands behind a cut, with the cut value as its input. */
export function tailOf(graph: Graph, cut: string): Graph {
  const type = inferShapes(graph).types.get(cut);
  if (!type) throw new TascnetError(`The shape of "${cut}" is not known: the network cannot be cut there.`);
  const { dtype, dims } = type;
  const before = nodesTowards(graph, cut);
  const nodes = graph.nodes.filter((node) => !node.outputs.includes(cut));
  const tail = withoutDead({ ...graph, nodes, inputs: [{ name: cut, dtype, dims: freeBatch(dims) }] });
  const missing = tail.nodes.find((node) => before.has(node) && node.inputs.includes(graph.inputs[0]?.name ?? ''));
  if (missing) throw new TascnetError(`${missing.op} "${missing.name}" is needed on both sides of "${cut}".`);
  return tail;
}

/**
 * What stands before a cut, ending in the cut value.
 * @param channelsLast takes and gives values of three axes or more with the channels at the end.
 */
export function prefixOf(graph: Graph, cut: string, channelsLast: boolean): Graph {
  const { types } = inferShapes(graph);
  const input = graph.inputs[0];
  const type = types.get(cut);
  const given = types.get(input?.name ?? '');
  if (!input || !type || !given) throw new TascnetError(`The shape of "${cut}" is not known.`);
  const nodes = [...graph.nodes];
  let inputs = graph.inputs.map((info) => ({ ...info, dims: freeBatch(given.dims) }));
  let outputs = [{ name: cut, dtype: type.dtype, dims: freeBatch(type.dims) }];
  if (channelsLast && given.dims.length >= 3) {
    const name = `${input.name}_channels_last`;
    nodes.unshift(transpose(name, input.name, toPlain(given.dims.length)));
    inputs = [{ ...input, name, dims: freeBatch(permuted(given.dims, toChannelsLast(given.dims.length))) }];
  }
  if (channelsLast && type.dims.length >= 3) {
    const name = `${cut}_channels_last`;
    const order = toChannelsLast(type.dims.length);
    nodes.push(transpose(cut, name, order));
    outputs = [{ name, dtype: type.dtype, dims: freeBatch(permuted(type.dims, order)) }];
  }
  return withoutDead({ ...graph, nodes, inputs, outputs, metadata: {} });
}

function transpose(from: string, to: string, order: number[]): Node {
  const attributes: Node['attributes'] = { perm: { type: 'ints', value: order } };
  return { name: `${to}_transpose`, op: 'Transpose', domain: '', inputs: [from], outputs: [to], attributes };
}

function toChannelsLast(rank: number): number[] {
  return [0, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 2), 1];
}

function toPlain(rank: number): number[] {
  return [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 1)];
}

function permuted(dims: readonly Dim[], order: readonly number[]): Dim[] {
  return order.map((axis) => dims[axis] ?? 1);
}

function freeBatch(dims: readonly Dim[]): Dim[] {
  return ['N', ...dims.slice(1)];
}

/** The nodes that `value` depends on. */
function nodesTowards(graph: Graph, value: string): Set<Node> {
  const needed = new Set([value]);
  const nodes = new Set<Node>();
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.add(node);
    for (const name of node.inputs) needed.add(name);
  }
  return nodes;
}
