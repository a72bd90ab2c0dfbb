/** What can be searched in a network, from its graph alone: the choices of its head and of its units. */

import { anatomyOf } from '../analyze/blocks.js';
import { type Dependencies, dependencyGroups, type Group } from '../analyze/groups.js';
import { withInputSize } from '../analyze/input-size.js';
import { type Unit, unitsOf } from '../analyze/units.js';
import type { Graph, Node } from '../graph/graph.js';
import { producers } from '../graph/graph.js';
import { randomGenerator } from '../graph/random.js';
import type { Bypass } from '../surgery/bypass.js';
import { emptiable } from '../surgery/empty.js';
import { withFlattens } from '../surgery/flatten.js';
import { canGrow } from '../surgery/grow.js';
import { type Choice, choicesOf, type Edit, type GraphChoice } from './choices.js';
import { findHead, type Head } from './head.js';
import { headChoices } from './head-choices.js';
import { levelsOf, type Value } from './space.js';
import { type SpaceRule, spaceRules } from './space-rules.js';
import { truncationsOf } from './truncation.js';

export interface SearchUnit {
  unit: Unit;
  choices: GraphChoice[];
}

/** What can be searched in a network. */
export interface Searchable {
  graph: Graph;
  /** The network at each input size (height and width) that is searched; none where that is not. */
  sizes: ReadonlyMap<number, Graph>;
  head: Head;
  dependencies: Dependencies;
  /** The choices that concern the network as a whole or its head. */
  choices: Choice[];
  /** The last one first. */
  units: SearchUnit[];
  /** By how many units are cut off at the end: what the head then reads. */
  truncations: ReadonlyMap<number, Bypass>;
}

export interface SpaceOptions {
  /** Restrictions and extensions, in the order in which they are said. */
  rules?: readonly SpaceRule[] | undefined;
  /** Heights and widths of the input, in pixels, that are tried as well. */
  imageSizes?: readonly number[] | undefined;
}

/** The dimensions that concern the network as a whole. */
export const NETWORK = { truncate: 'network:truncate', imageSize: 'network:image-size' } as const;

/** @throws TascnetError when the network ends in no classifier, or a rule or a size does not fit it. */
export function searchableOf(given: Graph, { rules = [], imageSizes = [] }: SpaceOptions = {}): Searchable {
  const graph = withFlattens(given);
  const dependencies = dependencyGroups(graph);
  const { shapes } = dependencies;
  const head = findHead(graph, shapes);
  const sizes = sizesOf(graph, imageSizes);
  const all = unitsTowards(graph, head, unitsOf(graph, shapes, head.nodes));
  const drops = dropsOf(graph, dependencies, all);
  const owned = groupsOf(graph, dependencies, all);
  const anatomies = [anatomyOf(graph, shapes), ...[...sizes.values()].map((resized) => anatomyOf(resized))];
  const restrictions = spaceRules(rules);
  const known: Choice[] = [];
  const restricted = <C extends Choice>(choice: C): C | undefined => {
    known.push(choice);
    return restrictions.apply(choice);
  };
  const grows = ({ id }: Group) => canGrow(graph, id, dependencies, randomGenerator('grows'));
  const found = all
    .map((unit) => ({ unit, choices: choicesOf(unit, owned.get(unit) ?? [], anatomies, drops.get(unit), grows) }))
    .map(({ unit, choices }) => ({ unit, choices: choices.flatMap((choice) => restricted(choice) ?? []) }));
  const units = found.filter(({ choices }) => choices.some(isOpen));
  const truncations = truncationsOf(
    anatomyOf(graph, shapes),
    head,
    units.map(({ unit }) => unit),
  );
  const choices = [
    ...networkChoices(graph, sizes, truncations).flatMap((choice) => restricted(choice) ?? []),
    ...headChoices(head, restricted).flatMap((choice) =>
      known.includes(choice) ? choice : (restricted(choice) ?? []),
    ),
  ];
  restrictions.check(known);
  const searched = [...choices, ...units.flatMap((unit) => unit.choices)].filter(isOpen);
  const settled = settledBy(known, searched);
  return {
    ...{ graph, sizes, head, dependencies, truncations },
    choices: settled(choices),
    units: units.map(({ unit, choices: own }) => ({ unit, choices: settled(own) })),
  };
}

/** What depends on choices that are not searched: it is there for good, or not at all. */
function settledBy(known: readonly Choice[], searched: readonly Choice[]) {
  const open = new Set(searched.map(({ dimension }) => dimension.name));
  const fixed = new Map(
    known.filter(({ dimension }) => !open.has(dimension.name)).map(({ dimension, own }) => [dimension.name, own]),
  );
  return <C extends Choice>(choices: readonly C[]): C[] =>
    choices.filter(isOpen).flatMap((choice) => {
      const { when, ...dimension } = choice.dimension;
      const value = when && fixed.get(when.dimension);
      if (!when || value === undefined) return [choice];
      return when.in.includes(value) ? [{ ...choice, dimension }] : [];
    });
}

/** Whether there is anything to choose, or a person wants another value than the network has. */
export function isOpen({ dimension, own }: Choice): boolean {
  if (levelsOf(dimension) > 1) return true;
  return dimension.kind === 'categorical' || dimension.kind === 'ordinal'
    ? (dimension.values as readonly Value[])[0] !== own
    : dimension.low !== own;
}

function sizesOf(graph: Graph, imageSizes: readonly number[]): Map<number, Graph> {
  return new Map(imageSizes.map((size) => [size, withInputSize(graph, [size, size])]));
}

/** Height of the images that the network takes; undefined where it is not known. */
export function imageSizeOf(graph: Graph): number | undefined {
  const extent = graph.inputs.find(({ dims }) => dims?.length === 4)?.dims?.[2];
  return typeof extent === 'number' ? extent : undefined;
}

/** Only what the classifier depends on. */
function unitsTowards(graph: Graph, { features }: Head, units: readonly Unit[]): Unit[] {
  const makers = producers(graph);
  const needed = new Set<Node>();
  const open = [features];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    const node = makers.get(value);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    open.push(...node.inputs);
  }
  return units.filter(({ layers }) => layers.every((node) => needed.has(node)));
}

/** How each unit can be left out. Layers of dense blocks are taken together: any of them can go with any other. */
function dropsOf(graph: Graph, dependencies: Dependencies, units: readonly Unit[]): Map<Unit, Edit> {
  const drops = new Map<Unit, Edit>();
  const emptied: string[] = [];
  for (const unit of units) {
    const { kind, keepsShape, entry, exit } = unit;
    if (kind === 'dense-layer') {
      if (!emptiable(graph, dependencies, [...emptied, exit])) continue;
      emptied.push(exit);
      drops.set(unit, { edit: 'empty', value: exit });
    } else if (keepsShape) drops.set(unit, { edit: 'bypass', bypass: { from: exit, to: entry } });
  }
  return drops;
}

/** Groups of channels by the unit with the first layer that makes them: everything behind that is affected. */
function groupsOf(graph: Graph, { groups }: Dependencies, units: readonly Unit[]): Map<Unit, Group[]> {
  const firstReader = new Map<string, Node>();
  const position = new Map(graph.nodes.map((node, index) => [node, index]));
  for (const node of graph.nodes)
    for (const name of node.inputs) if (!firstReader.has(name)) firstReader.set(name, node);
  const owned = new Map<Unit, Group[]>();
  for (const group of groups) {
    const makers = group.members.filter(({ role }) => role === 'makes').map(({ value }) => value);
    if (!makers.some((value) => (graph.initializers.get(value)?.dims.length ?? 0) >= 3)) continue;
    const [first] = makers
      .flatMap((value) => firstReader.get(value) ?? [])
      .sort((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0));
    const unit = first && units.find(({ nodes }) => nodes.has(first));
    if (unit) owned.set(unit, [...(owned.get(unit) ?? []), group]);
  }
  return owned;
}

function networkChoices(
  graph: Graph,
  sizes: ReadonlyMap<number, Graph>,
  truncations: ReadonlyMap<number, Bypass>,
): Choice[] {
  const own = imageSizeOf(graph) ?? 0;
  const number = (choice: string, values: number[], current: number): Choice => ({
    layer: 'network',
    choice,
    dimension: { name: `network:${choice}`, kind: 'ordinal', values: [...new Set(values)].sort((a, b) => a - b) },
    own: current,
    takes: (value) => values.some((possible) => possible === value),
    expected: values.join(', '),
  });
  return [
    ...(sizes.size > 0 ? [number('image-size', [own, ...sizes.keys()], own)] : []),
    ...(truncations.size > 0 ? [number('truncate', [0, ...truncations.keys()], 0)] : []),
  ];
}
