/**
 * The space of configurations of a network's deeper layers, from the graph alone, walking backwards from the logits: the
 * dense head, then one group of convolution channels more at each depth.
 */

import { costOf } from '../analyze/cost.js';
import { type Dependencies, dependencyGroups, type Group } from '../analyze/groups.js';
import { inferShapes } from '../analyze/shapes.js';
import { TascnetError } from '../errors.js';
import type { Graph, Node } from '../graph/graph.js';
import { l1 } from '../prune/criteria/norms.js';
import { removeChannels } from '../surgery/remove.js';
import { cutBefore, tailOf } from './cut.js';
import { ACTIVATIONS, type Activation, findHead, type Head, isPlain, withHeadConfiguration } from './head.js';
import type { Dimension, Point, Space } from './space.js';

const NEURONS = [64, 128, 256, 512, 1024];
const DROPOUT = [0, 0.1, 0.2, 0.3, 0.4, 0.5];
const MAX_HIDDEN = 2;
const WIDTHS = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1];
/** Channel counts are rounded to multiples of this, which kernels run fastest on. */
const ROUND_TO = 8;
/** Groups of fewer channels have nothing to spare. */
const MIN_CHANNELS = 16;

/** What can be searched in a network. */
export interface Searchable {
  graph: Graph;
  head: Head;
  dependencies: Dependencies;
  /** Groups of convolution channels, the one nearest to the logits first. */
  groups: Group[];
}

export function searchableOf(graph: Graph): Searchable {
  const dependencies = dependencyGroups(graph);
  const makers = new Map<string, number>();
  graph.nodes.forEach((node, index) => {
    for (const name of node.inputs) if (graph.initializers.has(name) && !makers.has(name)) makers.set(name, index);
  });
  // A group is as deep as the first weight that makes its channels: everything behind that is affected.
  const depthOf = (group: Group) =>
    Math.min(...group.members.filter(({ role }) => role === 'makes').map(({ value }) => makers.get(value) ?? 0));
  const isConvolution = (group: Group) =>
    group.members.some(({ role, value }) => role === 'makes' && (graph.initializers.get(value)?.dims.length ?? 0) >= 3);
  const groups = dependencies.groups
    .filter((group) => group.channels >= MIN_CHANNELS && isConvolution(group))
    .sort((a, b) => depthOf(b) - depthOf(a));
  return { graph, head: findHead(graph, dependencies.shapes), dependencies, groups };
}

/** The name of the dimension that sets the width of the group at a depth (1 for the deepest). */
export function widthName(depth: number): string {
  return `width${depth}`;
}

/** The space at a depth: the head and the `depth` last groups. */
export function spaceAt({ head, groups }: Searchable, depth: number): Space {
  if (!Number.isInteger(depth) || depth < 0 || depth > groups.length)
    throw new TascnetError(`This network can be searched to depths 0 to ${groups.length}, not ${depth}.`);
  const layersWhen = (counts: number[]) => ({ when: { dimension: 'layers', in: counts } });
  const hidden = Array.from({ length: MAX_HIDDEN }, (_, index) => index + 1);
  // A head that has more to it than one layer can also stay as it is.
  const choice: Dimension[] = isPlain(head) ? [] : [{ name: 'head', kind: 'categorical', values: ['kept', 'new'] }];
  const whenNew = choice.length > 0 ? { when: { dimension: 'head', in: ['new'] } } : {};
  return [
    ...choice,
    ...(head.flattened
      ? [{ name: 'pooling', kind: 'categorical', values: ['average', 'kept'], ...whenNew } satisfies Dimension]
      : []),
    { name: 'layers', kind: 'integer', low: 0, high: MAX_HIDDEN, ...whenNew },
    ...hidden.map(
      (layer): Dimension => ({
        name: `neurons${layer}`,
        kind: 'ordinal',
        values: NEURONS,
        ...layersWhen(hidden.filter((count) => count >= layer)),
      }),
    ),
    { name: 'activation', kind: 'categorical', values: ACTIVATIONS, ...layersWhen(hidden) },
    { name: 'dropout', kind: 'ordinal', values: DROPOUT, ...whenNew },
    ...groups
      .slice(0, depth)
      .map((_, index): Dimension => ({ name: widthName(index + 1), kind: 'ordinal', values: WIDTHS })),
  ];
}

/** The point of the network as it is. */
export function unchangedPoint(searchable: Searchable, depth: number): Point {
  const widths = searchable.groups.slice(0, depth).map((_, index) => [widthName(index + 1), 1]);
  const head = isPlain(searchable.head) ? { layers: 0, dropout: 0 } : { head: 'kept' };
  return { ...head, ...Object.fromEntries(widths) };
}

/** The value at which the network is cut for a depth: everything that is searched stands behind it. */
export function cutAt({ graph, head, groups }: Searchable, depth: number): string {
  const searched = new Set(groups.slice(0, depth).flatMap(({ members }) => members.map(({ value }) => value)));
  const changed = new Set<Node>(head.nodes);
  for (const node of graph.nodes) if (node.inputs.some((name) => searched.has(name))) changed.add(node);
  if (head.flattened) {
    const { value } = head.flattened;
    for (const node of graph.nodes) if (node.inputs.includes(value)) changed.add(node);
  }
  return cutBefore(graph, changed);
}

/** How many channels a width leaves. */
export function channelsAt(group: Group, width: number): number {
  if (width >= 1) return group.channels;
  return Math.min(group.channels, Math.max(ROUND_TO, Math.round((group.channels * width) / ROUND_TO) * ROUND_TO));
}

/**
 * The network in the configuration of a point, weights inherited: of a narrower group the channels with the largest sums
 * of absolute weights stay.
 * @param seed for the weights that nothing is inherited for.
 */
export async function configured(searchable: Searchable, point: Point, seed: number): Promise<Graph> {
  const narrowed = await withWidths(searchable, point);
  if (point.head === 'kept') return narrowed;
  const { layers = 0, dropout = 0, activation = 'relu', pooling = 'kept' } = point;
  const current = narrowed === searchable.graph ? searchable.head : findHead(narrowed);
  if (layers === 0 && dropout === 0 && isPlain(current)) return narrowed;
  return withHeadConfiguration(
    narrowed,
    current,
    {
      neurons: Array.from({ length: Number(layers) }, (_, index) => Number(point[`neurons${index + 1}`])),
      activation: ACTIVATIONS.find((name) => name === activation) ?? ('relu' satisfies Activation),
      dropout: Number(dropout),
      pooling: pooling === 'average' ? 'average' : 'kept',
    },
    seed,
  );
}

async function withWidths({ graph, dependencies, groups }: Searchable, point: Point): Promise<Graph> {
  const narrower = groups
    .map((group, index) => ({ group, count: channelsAt(group, Number(point[widthName(index + 1)] ?? 1)) }))
    .filter(({ group, count }) => count < group.channels);
  if (narrower.length === 0) return graph;
  const chosen = narrower.map(({ group }) => group);
  const scores = await l1.scores({
    graph,
    dependencies: { ...dependencies, groups: chosen },
    seed: 0,
    signal: undefined,
  });
  const removals = new Map(
    narrower.map(({ group, count }, index) => {
      const score = scores[index] ?? new Float64Array(group.channels);
      const order = [...score.keys()].sort((a, b) => (score[a] ?? 0) - (score[b] ?? 0) || a - b);
      return [group.id, { channels: order.slice(0, group.channels - count) }];
    }),
  );
  return (await removeChannels(graph, removals, dependencies)).graph;
}

/** What a search at one depth looks at. */
export interface DepthDescription {
  depth: number;
  /** The group of channels that this depth adds: the weight that makes it, and its channels. */
  group: { id: string; channels: number } | undefined;
  /** The value at which the frozen part ends, and its shape behind the batch. */
  cut: { value: string; shape: number[] };
  /** Of the network as it is, behind the cut. */
  trainableParameters: number;
  macs: number;
  space: Space;
}

/** What would be searched at depths 1 to `depth` (0 alone where no group can be narrowed). */
export function describeSpace(graph: Graph, depth: number): DepthDescription[] {
  const searchable = searchableOf(graph);
  return depthsOf(searchable, depth).map((at) => {
    const value = cutAt(searchable, at);
    const tail = tailOf(graph, value);
    const { macs, parameters } = costOf(tail);
    const group = searchable.groups[at - 1];
    const dims = inferShapes(tail).types.get(value)?.dims.slice(1) ?? [];
    return {
      depth: at,
      group: group && { id: group.id, channels: group.channels },
      cut: { value, shape: dims.map((extent) => (typeof extent === 'number' ? extent : 1)) },
      trainableParameters: parameters,
      macs,
      space: spaceAt(searchable, at),
    };
  });
}

/** The depths of a search, in order. */
export function depthsOf({ groups }: Searchable, deepest: number): number[] {
  const last = Math.min(deepest, groups.length);
  return last < 1 ? [0] : Array.from({ length: last }, (_, index) => index + 1);
}
