/**
 * Which elements of which axes of a graph live and die together: the operators' `tie` relations, closed by union-find
 * over single elements. `groups.ts` makes the person's dependency groups of it.
 *
 * Only axes that can carry channels take part (carrying.ts).
 */

import { TascnetError } from '../errors.js';
import type { AxisRef, SettledRelation, Span, ValueType } from '../ops/operator.js';
import type { AxisMap } from './axis-map.js';
import { balance } from './balance.js';
import { type CarryingAxis, carriedBy, carryingAxes, type NodeRelations, type TyingRelation } from './carrying.js';
import type { Choices, DescribedNode, Description } from './described.js';
import { DisjointSets } from './disjoint-sets.js';
import { type Roles, rolesOf, rolesOfComputed, settled } from './relations.js';

/** A thousand times those of the largest published networks; a damaged or hostile file can ask for any number. */
const MAX_ELEMENTS = 2 ** 28;

export interface Ties {
  axes: AxisMap<CarryingAxis>;
  /** The class of an element (a representative's number): equal ones live and die together. */
  classOf(element: number): number;
  /** Bases of the axes of which some element is tied to another; along all other axes each is a class of its own. */
  tied: ReadonlySet<number>;
  /** Elements that must stay, with the reason. `border`: they are the graph's inputs or outputs. */
  pins: { node: string; reason: string; axis: CarryingAxis; border: boolean }[];
}

export function tieGraph(description: Description, choices: Choices = new Map()): Ties {
  const relationsOf = new Map<DescribedNode, SettledRelation[]>();
  const described: NodeRelations[] = [];
  const roles: Roles[] = [];
  for (const entry of description.nodes) {
    const { node, relations: all } = entry;
    const relations = settled(entry, choices);
    const choice = (relation: SettledRelation) =>
      relation.kind === 'reshape' ? choices.get(`${node.name}/${all.indexOf(relation)}`) : undefined;
    relationsOf.set(entry, relations);
    described.push({ node: node.name, relations, choices: choices.size > 0 ? relations.map(choice) : [] });
    roles.push(rolesOf(description, node, relations));
  }
  const spread = (axes: AxisRef[]) => rolesOfComputed(description, (entry) => relationsOf.get(entry) ?? [], axes);
  const sources = spread(roles.flatMap((role) => role.sources));
  const readers = spread(roles.flatMap((role) => role.readers));
  const { types } = description.shapes;
  const { axes, ties } = carryingAxes(described, sources, readers, types);
  const { elements, others } = numberElements(axes, types, ties);
  if (elements > MAX_ELEMENTS)
    throw new TascnetError(
      `The axes of this model that carry channels have ${elements} elements in all; ${MAX_ELEMENTS} can be looked at.`,
    );
  const sets = new DisjointSets(elements);
  const tied = new Set<number>();
  for (const relation of others) {
    if (relation.kind === 'same') uniteSpans(sets, tied, axes, relation.a, relation.b, relation.blocks);
    else uniteReshape(sets, tied, axes, types, relation);
  }
  // Last, since what is even stays even however it is joined.
  for (const { relations } of described)
    for (const relation of relations) {
      const axis = relation.kind === 'balance' ? axes.get(relation.at) : undefined;
      if (relation.kind !== 'balance' || !axis) continue;
      tied.add(axis.base);
      balance(
        sets,
        Int32Array.from({ length: axis.extent }, (_, index) => axis.base + index),
        relation.parts,
      );
    }
  const classOf = (element: number) => sets.find(element);
  return { axes, classOf, tied, pins: pinsOf(description, described, axes) };
}

/** The axes that a relation ties as wholes, element by element, as most do; undefined where it ties parts. */
function tiedWhole(
  axes: AxisMap<CarryingAxis>,
  { a, b, blocks = a.length }: Extract<SettledRelation, { kind: 'same' }>,
): [CarryingAxis, CarryingAxis] | undefined {
  if (a.at || b.at || a.start !== 0 || b.start !== 0 || a.length !== b.length || blocks !== a.length) return undefined;
  const axisA = axes.get(a);
  const axisB = axes.get(b);
  if (!axisA || !axisB) return undefined;
  return axisA.extent === a.length && axisB.extent === b.length ? [axisA, axisB] : undefined;
}

/**
 * Whether a reshape leaves a whole axis as it is, element by element, as flattening 1×1 maps does.
 *
 * @returns the two axes, undefined where it does not.
 */
function keptWhole(
  axes: AxisMap<CarryingAxis>,
  types: ReadonlyMap<string, ValueType>,
  { from, to }: Extract<SettledRelation, { kind: 'reshape' }>,
): [CarryingAxis, CarryingAxis] | undefined {
  const [[one, ...others], [other, ...more]] = [carriedBy(axes, types, from), carriedBy(axes, types, to)];
  if (!one || !other || others.length + more.length > 0) return undefined;
  return one.stride === other.stride && one.extent === other.extent ? [one.carried, other.carried] : undefined;
}

/** Gives the axes their element numbers. @returns how many there are, and the relations that are still to be heeded. */
function numberElements(
  axes: AxisMap<CarryingAxis>,
  types: ReadonlyMap<string, ValueType>,
  ties: ReadonlySet<TyingRelation>,
): { elements: number; others: TyingRelation[] } {
  const all = axes.values();
  all.forEach((axis, number) => {
    axis.base = number;
  });
  const wholes = new DisjointSets(axes.size);
  const others: TyingRelation[] = [];
  for (const relation of ties) {
    const whole = relation.kind === 'same' ? tiedWhole(axes, relation) : keptWhole(axes, types, relation);
    if (whole) wholes.unite(whole[0].base, whole[1].base);
    else others.push(relation);
  }
  const bases = new Int32Array(axes.size);
  let elements = 0;
  all.forEach((axis, number) => {
    const representative = wholes.find(number);
    if (representative === number) {
      bases[number] = elements;
      elements += axis.extent;
    }
    axis.base = bases[representative] ?? 0;
  });
  return { elements, others };
}

function uniteSpans(
  sets: DisjointSets,
  tied: Set<number>,
  axes: AxisMap<CarryingAxis>,
  a: Span,
  b: Span,
  blocks = a.length,
): void {
  const axisA = axes.get(a);
  const axisB = axes.get(b);
  if (!axisA || !axisB || blocks === 0) return;
  tied.add(axisA.base).add(axisB.base);
  const element = (axis: CarryingAxis, span: Span, index: number) =>
    axis.base + (span.at?.[index] ?? span.start + index);
  const widthA = a.length / blocks;
  const widthB = b.length / blocks;
  for (let block = 0; block < blocks; block++) {
    const first = element(axisA, a, block * widthA);
    for (let i = 1; i < widthA; i++) sets.unite(first, element(axisA, a, block * widthA + i));
    for (let i = 0; i < widthB; i++) sets.unite(first, element(axisB, b, block * widthB + i));
  }
}

/** Elements of both sides that hold a common position of the reshaped data live and die together. */
function uniteReshape(
  sets: DisjointSets,
  tied: Set<number>,
  axes: AxisMap<CarryingAxis>,
  types: ReadonlyMap<string, ValueType>,
  { from, to }: Extract<SettledRelation, { kind: 'reshape' }>,
): void {
  const sides = [from, to].flatMap((side) => carriedBy(axes, types, side));
  const [first, ...others] = sides;
  if (!first || others.length === 0) return;
  for (const { carried } of sides) tied.add(carried.base);
  const positions = from.axes.reduce((product, axis) => product * Number(types.get(from.value)?.dims[axis]), 1);
  // Between multiples of all strides nothing changes.
  const step = sides.map(({ stride }) => stride).reduce(greatestCommonDivisor);
  for (const other of others)
    for (let position = 0; position < positions; position += step) {
      const element = first.carried.base + (Math.floor(position / first.stride) % first.extent);
      sets.unite(element, other.carried.base + (Math.floor(position / other.stride) % other.extent));
    }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function pinsOf(
  { graph, constants, shapes: { types } }: Description,
  described: NodeRelations[],
  axes: AxisMap<CarryingAxis>,
): Ties['pins'] {
  const pins: Ties['pins'] = [];
  const pin = (at: AxisRef, node: string, reason: string, border: boolean) => {
    const axis = axes.get(at);
    if (axis) pins.push({ node, reason, axis, border });
  };
  const everyAxis = (value: string) => (types.get(value)?.dims ?? []).map((_, axis) => ({ value, axis }));
  for (const { name } of graph.inputs)
    if (!constants.has(name)) for (const at of everyAxis(name)) pin(at, name, 'it is an input of the graph', true);
  for (const { name } of graph.outputs) {
    const maker = graph.nodes.find((node) => node.outputs.includes(name))?.name ?? name;
    for (const at of everyAxis(name)) pin(at, maker, `it makes the output "${name}" of the graph`, true);
  }
  for (const { node, relations } of described)
    for (const relation of relations) if (relation.kind === 'pin') pin(relation.at, node, relation.reason, false);
  return pins;
}
