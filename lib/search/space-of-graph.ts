/**
 * The space of configurations of a network's deeper layers, from the graph alone, walking backwards from the logits: the
 * dense head, then one unit (a block, or a layer) more at each depth.
 */

import type { BlockKind } from '../analyze/blocks.js';
import { costOf } from '../analyze/cost.js';
import { inferShapes } from '../analyze/shapes.js';
import { TascnetError } from '../errors.js';
import type { Node } from '../graph/graph.js';
import { randomGenerator } from '../graph/random.js';
import { type Choice, withCondition } from './choices.js';
import { cutBefore, tailOf } from './cut.js';
import { isOpen, NETWORK, type Searchable } from './searchable.js';
import { type Dimension, type Point, pointAt, type Space, type Value } from './space.js';

export { configured } from './configure.js';
export { type Searchable, type SpaceOptions, searchableOf } from './searchable.js';

/** The space at a depth: the head and the `depth` last units. */
export function spaceAt(searchable: Searchable, depth: number): Space {
  const { units } = searchable;
  if (!Number.isInteger(depth) || depth < 0 || depth > units.length)
    throw new TascnetError(`This network can be searched to depths 0 to ${units.length}, not ${depth}.`);
  const chosen = choicesAt(searchable, depth);
  const names = new Set(chosen.map(({ dimension }) => dimension.name));
  // What depends on a choice that is not searched at this depth waits for it.
  return chosen.map(({ dimension }) => dimension).filter(({ when }) => !when || names.has(when.dimension));
}

function choicesAt({ choices, units, truncations }: Searchable, depth: number): Choice[] {
  const network = choices.flatMap((choice) =>
    choice.dimension.name === NETWORK.truncate ? (upTo(choice, depth) ?? []) : choice,
  );
  const cuts = network.find(({ dimension }) => dimension.name === NETWORK.truncate)?.dimension;
  return [
    ...network,
    ...units.slice(0, depth).flatMap(({ choices: own }, index) => {
      const counts = cuts?.kind === 'ordinal' ? cuts.values.filter((count) => count <= index) : [];
      const always = cuts?.kind !== 'ordinal' || counts.length === cuts.values.length || truncations.size === 0;
      const when = always ? undefined : { dimension: NETWORK.truncate, in: counts };
      return own.map((choice) => withCondition(choice, when));
    }),
  ].filter(isOpen);
}

/** No more units can be cut off than are searched. */
function upTo(choice: Choice, depth: number): Choice | undefined {
  const { dimension } = choice;
  if (dimension.kind !== 'ordinal') return choice;
  const values = dimension.values.filter((count) => count <= depth);
  return values.length > 0 ? { ...choice, dimension: { ...dimension, values } } : undefined;
}

/** The point of the space at a depth that is nearest to what is wished for, and otherwise to the network as it is. */
export function nearestPoint(searchable: Searchable, depth: number, wish: Point = {}): Point {
  const own = new Map(choicesAt(searchable, depth).map((choice) => [choice.dimension.name, choice.own]));
  const point: Record<string, Value> = {};
  for (const dimension of spaceAt(searchable, depth)) {
    const { when, name } = dimension;
    const given = when && point[when.dimension];
    if (when && (given === undefined || !when.in.includes(given))) continue;
    point[name] = nearestValue(dimension, wish[name] ?? own.get(name) ?? 0);
  }
  return point;
}

function nearestValue(dimension: Dimension, wanted: Value): Value {
  if (dimension.kind === 'categorical')
    return dimension.values.find((value) => value === wanted) ?? dimension.values[0] ?? '';
  const number = Number(wanted);
  if (dimension.kind === 'ordinal')
    return dimension.values.reduce(
      (best, value) => (Math.abs(value - number) < Math.abs(best - number) ? value : best),
      dimension.values[0] ?? 0,
    );
  const within = Math.min(dimension.high, Math.max(dimension.low, number));
  return dimension.kind === 'integer' ? Math.round(within) : within;
}

/** Share of the choices that a start point changes, where it is one of chance. */
const CHANGED = 0.3;

/**
 * The points that a search at a depth begins with: the best one so far (at first, the network as it is), that with half of
 * the channels that this depth adds, or without its block, and others in its neighbourhood.
 */
export function startPoints(
  searchable: Searchable,
  depth: number,
  best: Point | undefined,
  count: number,
  seed: number,
): Point[] {
  const start = nearestPoint(searchable, depth, best);
  const added = searchable.units[depth - 1]?.choices ?? [];
  const halved = added.filter(({ choice }) => choice === 'width').map(({ dimension }) => [dimension.name, 0.5]);
  const dropped = added.filter(({ choice }) => choice === 'block').map(({ dimension }) => [dimension.name, 'dropped']);
  const smaller = Object.fromEntries(halved.length > 0 ? halved : dropped);
  const points = [start, nearestPoint(searchable, depth, { ...start, ...smaller })];
  const space = spaceAt(searchable, depth);
  const random = randomGenerator(seed, 'start points', depth);
  while (points.length < count) {
    const drawn = pointAt(
      space,
      space.map(() => random.next()),
    );
    const wish = Object.entries(drawn).filter(() => random.next() < CHANGED);
    points.push(nearestPoint(searchable, depth, { ...start, ...Object.fromEntries(wish) }));
  }
  return points.slice(0, count);
}

/** The value at which the network is cut for a depth: everything that is searched stands behind it. */
export function cutAt({ graph, head, units }: Searchable, depth: number): string {
  const changed = new Set<Node>(head.nodes);
  const searched = new Set<string>();
  for (const { unit, choices } of units.slice(0, depth)) {
    for (const node of unit.nodes) changed.add(node);
    for (const choice of choices)
      if (choice.edit === 'width') for (const { value } of choice.group.members) searched.add(value);
  }
  if (head.flattened) searched.add(head.flattened.value);
  for (const node of graph.nodes) if (node.inputs.some((name) => searched.has(name))) changed.add(node);
  return cutBefore(graph, changed);
}

/** The depths of a search, in order. */
export function depthsOf({ units }: Searchable, deepest: number): number[] {
  const last = Math.min(deepest, units.length);
  return last < 1 ? [0] : Array.from({ length: last }, (_, index) => index + 1);
}

/** What a search at one depth looks at. */
export interface DepthDescription {
  depth: number;
  /** The unit that this depth adds; undefined where there is none. */
  unit: { name: string; kind: BlockKind; layers: string[] } | undefined;
  /** The value at which the frozen part ends, and its shape behind the batch. */
  cut: { value: string; shape: number[] };
  /** Of the network as it is, behind the cut. */
  trainableParameters: number;
  macs: number;
  space: Space;
}

/** What would be searched at depths 1 to `depth` (0 alone where there are no units). */
export function describeSpace(searchable: Searchable, depth: number): DepthDescription[] {
  const { graph, units } = searchable;
  return depthsOf(searchable, depth).map((at) => {
    const value = cutAt(searchable, at);
    const tail = tailOf(graph, value);
    const { macs, parameters } = costOf(tail);
    const unit = units[at - 1]?.unit;
    const dims = inferShapes(tail).types.get(value)?.dims.slice(1) ?? [];
    return {
      depth: at,
      unit: unit && { name: unit.name, kind: unit.kind, layers: unit.layers.map(({ name }) => name) },
      cut: { value, shape: dims.map((extent) => (typeof extent === 'number' ? extent : 1)) },
      trainableParameters: parameters,
      macs,
      space: spaceAt(searchable, at),
    };
  });
}
