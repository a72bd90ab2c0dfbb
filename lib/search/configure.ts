/** The network in the configuration of a point, its weights inherited. */

import { type Dependencies, dependencyGroups, type Group } from '../analyze/groups.js';
import { inferShapes } from '../analyze/shapes.js';
import { type Graph, type Node, withoutDead } from '../graph/graph.js';
import { freshNames } from '../graph/names.js';
import { randomGenerator } from '../graph/random.js';
import { float32 } from '../graph/tensor.js';
import { l1 } from '../prune/criteria/norms.js';
import type { CutGraph } from '../prune/reconstruct.js';
import { ACTIVATIONS, withActivation } from '../surgery/activation.js';
import { type Bypass, withBypasses } from '../surgery/bypass.js';
import { emptiable } from '../surgery/empty.js';
import { canGrow, growChannels } from '../surgery/grow.js';
import { removeChannels } from '../surgery/remove.js';
import { withWindow } from '../surgery/window.js';
import type { GraphChoice } from './choices.js';
import { findHead, isPlain, withHeadConfiguration } from './head.js';
import { headOf } from './head-choices.js';
import { NETWORK, type Searchable } from './searchable.js';
import type { Point } from './space.js';
import { truncated } from './truncation.js';

/** Channel counts are rounded to multiples of this, which kernels run fastest on. */
const ROUND_TO = 8;

/** How many channels a width leaves. */
export function channelsAt({ channels }: Pick<Group, 'channels'>, width: number): number {
  if (width === 1) return channels;
  const rounded = Math.max(ROUND_TO, Math.round((channels * width) / ROUND_TO) * ROUND_TO);
  return width < 1 ? Math.min(channels, rounded) : Math.max(channels, rounded);
}

/** What is done to the weights of a network that lost channels: the repaired graph, of the same nodes. */
export type Repair = (uncut: Graph, cut: CutGraph) => Promise<Graph>;

const unrepaired: Repair = (_, cut) => Promise.resolve(cut.graph);

/**
 * The network in the configuration of a point. Of a narrower group the channels with the largest sums of absolute weights
 * stay; smaller kernels are the middle of the old ones. What only grows, computes the same at first.
 * @param seed for the weights that nothing is inherited for.
 * @param repair of a network that has fewer channels, before it is edited further.
 */
export async function configured(
  searchable: Searchable,
  point: Point,
  seed: number,
  repair: Repair = unrepaired,
): Promise<Graph> {
  const size = point[NETWORK.imageSize];
  const original = searchable.sizes.get(Number(size)) ?? searchable.graph;
  const chosen = searchable.units.flatMap(({ choices }) =>
    choices.filter(({ dimension, own }) => (point[dimension.name] ?? own) !== own),
  );
  const shorter = shortened(searchable, original, chosen, point, seed);
  const narrower = await narrowed(searchable, shorter, chosen, point, repair);
  const wider = widened(searchable, narrower, chosen, point, seed);
  const edited = chosen.reduce((graph, choice) => editedBy(graph, choice, point), wider);
  const head = edited === searchable.graph ? searchable.head : findHead(edited);
  const { kept, dropout, pooling, activation, neurons } = headOf(point, head);
  if (kept || (neurons.length === 0 && dropout === 0 && isPlain(head))) return edited;
  const configuration = {
    neurons,
    activation: ACTIVATIONS.find((name) => name === activation) ?? 'relu',
    dropout,
    pooling: pooling === 'average' ? ('average' as const) : ('kept' as const),
  };
  return withHeadConfiguration(edited, head, configuration, seed);
}

interface Shorter {
  graph: Graph;
  dependencies: Dependencies;
}

/** Without the blocks that are dropped and the units that are cut off. */
function shortened(
  { graph, dependencies, head, truncations }: Searchable,
  original: Graph,
  chosen: readonly GraphChoice[],
  point: Point,
  seed: number,
): Shorter {
  const bypasses: Bypass[] = chosen.flatMap((choice) => (choice.edit === 'bypass' ? [choice.bypass] : []));
  const truncation = truncations.get(Number(point[NETWORK.truncate] ?? 0));
  const shorter = truncation
    ? truncated(original, head, [...bypasses, truncation], seed)
    : withBypasses(original, bypasses);
  return { graph: shorter, dependencies: shorter === graph ? dependencies : dependencyGroups(shorter) };
}

/** Without the layers of dense blocks that are dropped, then with fewer channels. */
async function narrowed(
  searchable: Searchable,
  given: Shorter,
  chosen: readonly GraphChoice[],
  point: Point,
  repair: Repair,
): Promise<Graph> {
  let { graph, dependencies } = given;
  const values = chosen.flatMap((choice) => (choice.edit === 'empty' ? [choice.value] : []));
  const there = values.filter((value) => graph.nodes.some(({ outputs }) => outputs.includes(value)));
  const empty = there.length > 0 ? emptiable(graph, dependencies, there) : undefined;
  if (empty) {
    const whole = dependencies.groups
      .filter(({ id }) => empty.includes(id))
      .map(({ id, channels }) => [id, { channels: [...Array(channels).keys()], whole: true }] as const);
    graph = (await removeChannels(graph, new Map(whole), dependencies)).graph;
    dependencies = dependencyGroups(graph);
  }
  const widths = widthsOf(searchable, dependencies, chosen, point).filter(({ group, count }) => count < group.channels);
  if (widths.length === 0) return graph;
  const scores = await l1.scores({
    graph,
    dependencies: { ...dependencies, groups: widths.map(({ group }) => group) },
    seed: 0,
    signal: undefined,
  });
  const removals = new Map(
    widths.map(({ group, count }, index) => {
      const score = scores[index] ?? new Float64Array(group.channels);
      const order = [...score.keys()].sort((a, b) => (score[a] ?? 0) - (score[b] ?? 0) || a - b);
      return [group.id, { channels: order.slice(0, group.channels - count) }];
    }),
  );
  return repair(graph, await removeChannels(graph, removals, dependencies));
}

/** With more channels, where more are wanted. */
function widened(
  searchable: Searchable,
  graph: Graph,
  chosen: readonly GraphChoice[],
  point: Point,
  seed: number,
): Graph {
  const more = chosen.filter(({ edit, dimension }) => edit === 'width' && Number(point[dimension.name] ?? 1) > 1);
  if (more.length === 0) return graph;
  const dependencies = graph === searchable.graph ? searchable.dependencies : dependencyGroups(graph);
  const random = randomGenerator(seed, 'more channels');
  const added = widthsOf(searchable, dependencies, more, point)
    .filter(({ group, count }) => count > group.channels && canGrow(graph, group.id, dependencies, random))
    .map(({ group, count }) => [group.id, count - group.channels] as const);
  return growChannels(graph, new Map(added), dependencies, random);
}

/**
 * The groups of a shortened network by the widths that were chosen for those of the whole one. Where blocks are gone, groups
 * can have become one: it has the width of the first, unless some of its channels are made where nothing is searched.
 */
function widthsOf(
  { dependencies: before }: Searchable,
  { groups }: Dependencies,
  chosen: readonly GraphChoice[],
  point: Point,
): { group: Group; count: number }[] {
  const widths = chosen.flatMap((choice) =>
    choice.edit === 'width' ? [{ id: choice.group.id, width: Number(point[choice.dimension.name] ?? 1) }] : [],
  );
  if (widths.length === 0) return [];
  const widthOf = new Map(widths.map(({ id, width }) => [id, width]));
  return groups.flatMap((group) => {
    if (groups === before.groups) {
      const width = widthOf.get(group.id);
      return width === undefined ? [] : [{ group, count: channelsAt(group, width) }];
    }
    const makers = group.members.filter(({ role }) => role === 'makes');
    const origins = makers.map(({ value, axis }) =>
      before.groups.filter(({ members }) =>
        members.some((member) => member.role === 'makes' && member.value === value && member.axis === axis),
      ),
    );
    const known = origins.map((candidates) => candidates.find(({ id }) => widthOf.has(id)));
    const [first] = known;
    if (!first || known.some((origin) => origin === undefined)) return [];
    return [{ group, count: channelsAt(group, widthOf.get(first.id) ?? 1) }];
  });
}

/** What concerns single nodes; those that are gone are passed over. */
function editedBy(graph: Graph, choice: GraphChoice, point: Point): Graph {
  const value = point[choice.dimension.name] ?? choice.own;
  switch (choice.edit) {
    case 'window': {
      const node = graph.nodes.find(({ name }) => name === choice.node);
      return node ? withWindow(graph, node, Number(value), inferShapes(graph)) : graph;
    }
    case 'activation': {
      const activation = ACTIVATIONS.find((name) => name === value);
      const nodes = graph.nodes.filter(({ name }) => choice.inputs.has(name));
      // A part that was left out before it may have changed what it reads.
      const inputs = new Map(nodes.map((node) => [node, inputOf(node, choice.inputs.get(node.name))]));
      return activation ? withActivation(graph, inputs, activation) : graph;
    }
    case 'dropout': {
      const fresh = freshNames(graph)(`${choice.node}_ratio`);
      const initializers = new Map(graph.initializers).set(fresh, float32([], Float32Array.of(Number(value))));
      const nodes = graph.nodes.map((node) =>
        node.name === choice.node ? { ...node, inputs: [node.inputs[0] ?? '', fresh, ...node.inputs.slice(2)] } : node,
      );
      return withoutDead({ ...graph, nodes, initializers });
    }
    default:
      return graph;
  }
}

/** What an activation reads: as it was found, or what now stands in its place. */
function inputOf(node: Node, found: string | undefined): string {
  return found !== undefined && node.inputs.includes(found) ? found : (node.inputs[0] ?? '');
}
