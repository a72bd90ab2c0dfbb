/**
 * Which elements of which axes of a graph live and die together: the operators' `tie` relations, closed by union-find
 * over single elements. `groups.ts` makes the person's dependency groups of it.
 *
 * Only axes that can carry channels take part: those reached, over relations, from the output axis of some weight.
 */

import { TascnetError } from '../errors.js';
import type { AxisRef, SettledRelation, Span, ValueType } from '../ops/operator.js';
import { AxisMap } from './axis-map.js';
import { balance } from './balance.js';
import type { Choices, Description } from './described.js';
import { DisjointSets } from './disjoint-sets.js';
import { rolesOf, rolesOfComputed, settled } from './relations.js';

/** A thousand times those of the largest published networks; a damaged or hostile file can ask for any number. */
const MAX_ELEMENTS = 2 ** 28;

/** An axis whose elements take part. */
export interface CarryingAxis extends AxisRef {
  extent: number;
  /**
   * First element number; the elements are `base` … `base + extent − 1`. Axes that are tied to each other as wholes, element
   * by element, have the same ones.
   */
  base: number;
  /** A weight makes new channels along this axis. */
  source: boolean;
  /** A weight sums over the channels along this axis (the input channels of a convolution). */
  reads: boolean;
}

export interface Ties {
  axes: AxisMap<CarryingAxis>;
  /** The class of each element (a representative's number): equal ones live and die together. */
  classOf: Int32Array;
  /** Elements that must stay, with the reason. `border`: they are the graph's inputs or outputs. */
  pins: { node: string; reason: string; axis: CarryingAxis; border: boolean }[];
}

interface NodeRelations {
  node: string;
  relations: SettledRelation[];
  /** What is chosen for each relation; empty where nothing is. */
  choices: (number | undefined)[];
}

export function tieGraph(description: Description, choices: Choices = new Map()): Ties {
  const relationsOf = new Map(description.nodes.map((entry) => [entry, settled(entry, choices)]));
  const described = [...relationsOf].map(([{ node, relations: all }, relations]): NodeRelations => {
    const choice = (relation: SettledRelation) =>
      relation.kind === 'reshape' ? choices.get(`${node.name}/${all.indexOf(relation)}`) : undefined;
    return { node: node.name, relations, choices: choices.size > 0 ? relations.map(choice) : [] };
  });
  const roles = [...relationsOf].map(([{ node }, relations]) => rolesOf(description, node, relations));
  const spread = (axes: AxisRef[]) => rolesOfComputed(description, (entry) => relationsOf.get(entry) ?? [], axes);
  const sources = spread(roles.flatMap((role) => role.sources));
  const readers = spread(roles.flatMap((role) => role.readers));
  const { types } = description.shapes;
  const axes = carryingAxes(described, sources, readers, types);
  const { elements, others } = numberElements(axes, types, described);
  if (elements > MAX_ELEMENTS)
    throw new TascnetError(
      `The axes of this model that carry channels have ${elements} elements in all; ${MAX_ELEMENTS} can be looked at.`,
    );
  const sets = new DisjointSets(elements);
  for (const relation of others) {
    if (relation.kind === 'same') uniteSpans(sets, axes, relation.a, relation.b, relation.blocks);
    else if (relation.kind === 'reshape') uniteReshape(sets, axes, types, relation);
  }
  // Last, since what is even stays even however it is joined.
  for (const relation of others) {
    const axis = relation.kind === 'balance' ? axes.get(relation.at) : undefined;
    if (relation.kind === 'balance' && axis)
      balance(
        sets,
        Array.from({ length: axis.extent }, (_, index) => axis.base + index),
        relation.parts,
      );
  }
  return { axes, classOf: sets.classes(), pins: pinsOf(description, described, axes) };
}

interface Side {
  value: string;
  axes: number[];
}

/**
 * The axis of `to` that carries the channels along `axis` of `from` through a reshape: the chosen one, else that which
 * leaves most of them free of each other.
 */
function carrier(
  types: ReadonlyMap<string, ValueType>,
  from: Side & { axis: number },
  to: Side,
  choice: number | undefined,
): number | undefined {
  if (to.axes.length <= 1) return to.axes[0];
  if (choice !== undefined && to.axes.includes(choice)) return choice;
  const source = strided(types, from, from.axis);
  const free = to.axes.map((axis) => {
    const { stride, extent } = strided(types, to, axis);
    if (stride >= source.stride) return Math.min(extent, (source.extent * source.stride) / stride);
    return Math.max(1, (stride * extent) / source.stride);
  });
  return to.axes[free.indexOf(Math.max(...free))];
}

/** The extent of an axis and its stride in the row-major order of the axes of a side. */
function strided(types: ReadonlyMap<string, ValueType>, { value, axes }: Side, axis: number) {
  const extents = axes.map((at) => Number(types.get(value)?.dims[at]));
  const position = axes.indexOf(axis);
  const stride = extents.slice(position + 1).reduce((product, extent) => product * extent, 1);
  return { extent: extents[position] ?? 1, stride };
}

/** The axes of a side of a reshape that carry channels, with their strides. */
function carriedBy(axes: AxisMap<CarryingAxis>, types: ReadonlyMap<string, ValueType>, side: Side) {
  return side.axes.flatMap((axis) => {
    const carried = axes.get({ value: side.value, axis });
    return carried ? [{ carried, ...strided(types, side, axis) }] : [];
  });
}

function carryingAxes(
  described: NodeRelations[],
  sources: readonly AxisRef[],
  readers: readonly AxisRef[],
  types: ReadonlyMap<string, ValueType>,
): AxisMap<CarryingAxis> {
  const neighbours = new AxisMap<{ relation: SettledRelation; choice: number | undefined }[]>();
  const note = (at: AxisRef, relation: SettledRelation, choice?: number) =>
    neighbours.getOrMake(at, () => []).push({ relation, choice });
  for (const { relations, choices } of described)
    relations.forEach((relation, index) => {
      if (relation.kind === 'same') {
        note(relation.a, relation);
        note(relation.b, relation);
      } else if (relation.kind === 'reshape') {
        for (const { value, axes } of [relation.from, relation.to])
          for (const axis of axes) note({ value, axis }, relation, choices[index]);
      }
    });

  const read = new AxisMap<true>();
  for (const reader of readers) read.getOrMake(reader, () => true);
  const carried = new AxisMap<CarryingAxis>();
  const queue: AxisRef[] = [];
  const reach = (at: AxisRef, source: boolean) => {
    const { value, axis } = at;
    const extent = types.get(value)?.dims[axis];
    if (typeof extent !== 'number' || carried.get(at)) return;
    carried.getOrMake(at, () => ({ value, axis, extent, base: 0, source, reads: read.get(at) ?? false }));
    queue.push(at);
  };
  for (const source of sources) reach(source, true);
  for (let at = queue.pop(); at; at = queue.pop())
    for (const { relation, choice } of neighbours.get(at) ?? []) {
      if (relation.kind === 'same') {
        reach(relation.a, false);
        reach(relation.b, false);
      } else if (relation.kind === 'reshape') {
        const { from, to } = relation;
        const forward = from.value === at.value && from.axes.includes(at.axis);
        const [near, far] = forward ? [from, to] : [to, from];
        if (far.axes.some((axis) => carried.get({ value: far.value, axis }))) continue;
        const axis = carrier(types, { ...near, axis: at.axis }, far, choice);
        if (axis !== undefined) reach({ value: far.value, axis }, false);
      }
    }
  return carried;
}

/** The axes that a relation ties as wholes, element by element, as most do; undefined where it ties parts. */
function tiedWhole(
  axes: AxisMap<CarryingAxis>,
  { a, b, blocks = a.length }: Extract<SettledRelation, { kind: 'same' }>,
): [CarryingAxis, CarryingAxis] | undefined {
  if (a.at || b.at || a.start !== 0 || b.start !== 0 || a.length !== b.length || blocks !== a.length) return undefined;
  const [axisA, axisB] = [axes.get(a), axes.get(b)];
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
  described: readonly NodeRelations[],
): { elements: number; others: SettledRelation[] } {
  const all = axes.values();
  for (const [number, axis] of all.entries()) axis.base = number;
  const wholes = new DisjointSets(axes.size);
  const others: SettledRelation[] = [];
  for (const { relations } of described)
    for (const relation of relations) {
      const whole =
        relation.kind === 'same'
          ? tiedWhole(axes, relation)
          : relation.kind === 'reshape'
            ? keptWhole(axes, types, relation)
            : undefined;
      if (whole) wholes.unite(whole[0].base, whole[1].base);
      else others.push(relation);
    }
  const bases = new Int32Array(axes.size);
  let elements = 0;
  for (const [number, axis] of all.entries()) {
    const representative = wholes.find(number);
    if (representative === number) {
      bases[number] = elements;
      elements += axis.extent;
    }
    axis.base = bases[representative] ?? 0;
  }
  return { elements, others };
}

function uniteSpans(sets: DisjointSets, axes: AxisMap<CarryingAxis>, a: Span, b: Span, blocks = a.length): void {
  const axisA = axes.get(a);
  const axisB = axes.get(b);
  if (!axisA || !axisB || blocks === 0) return;
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
  axes: AxisMap<CarryingAxis>,
  types: ReadonlyMap<string, ValueType>,
  { from, to }: Extract<SettledRelation, { kind: 'reshape' }>,
): void {
  const sides = [from, to].flatMap((side) => carriedBy(axes, types, side));
  const [first, ...others] = sides;
  if (!first || others.length === 0) return;
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
