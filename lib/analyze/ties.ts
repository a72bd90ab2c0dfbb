/**
 * Which elements of which axes of a graph live and die together: the operators' `tie` relations, closed by union-find
 * over single elements. `groups.ts` makes the person's dependency groups of it.
 *
 * Only axes that can carry channels take part: those reached, over relations, from the output axis of some weight.
 */

import type { Graph, Node } from '../graph/graph.js';
import type { AxisRef, Relation, Span, ValueType } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';
import { inferShapes, type Shapes, shapedNode } from './shapes.js';

/** An axis whose elements take part, with the class (a representative's number) of each element. */
export interface CarryingAxis extends AxisRef {
  extent: number;
  /** First element number; the elements are `base` … `base + extent − 1`. */
  base: number;
  /** A weight makes new channels along this axis. */
  source: boolean;
  /** A weight sums over the channels along this axis (the input channels of a convolution). */
  reads: boolean;
}

export interface Ties {
  shapes: Shapes;
  axes: Map<string, CarryingAxis>;
  /** The class of each element: equal numbers live and die together. */
  classOf: Int32Array;
  /** Elements that must stay, with the reason. */
  pins: { node: string; reason: string; axis: CarryingAxis }[];
}

interface NodeRelations {
  node: string;
  relations: Relation[];
  /** Weight axes along which new channels are made. */
  sources: AxisRef[];
  /** Weight axes along which the channels of an input are summed. */
  readers: AxisRef[];
}

export function keyOf({ value, axis }: AxisRef): string {
  return `${axis}:${value}`;
}

/** @param choices for a Reshape that splits an axis, by `node/relation`: which of the parts carries the channels. */
export function tieGraph(
  graph: Graph,
  choices: ReadonlyMap<string, number> = new Map(),
  shapes = inferShapes(graph),
): Ties {
  const described = graph.nodes.map((node) => relationsOf(graph, node, shapes));
  const carried = carryingAxes(described, shapes.types, choices);
  const axes = new Map<string, CarryingAxis>();
  let elements = 0;
  for (const [key, axis] of carried) {
    axes.set(key, { ...axis, base: elements });
    elements += axis.extent;
  }
  const sets = new DisjointSets(elements);
  for (const { relations } of described)
    for (const relation of relations) {
      if (relation.kind === 'same') uniteSpans(sets, axes, relation.a, relation.b, relation.blocks);
      else if (relation.kind === 'reshape') uniteReshape(sets, axes, shapes.types, relation);
    }
  return { shapes, axes, classOf: sets.classes(), pins: pinsOf(graph, described, axes) };
}

function relationsOf(graph: Graph, node: Node, shapes: Shapes): NodeRelations {
  const everyAxis = (names: string[]): AxisRef[] =>
    names.flatMap((value) => shapes.types.get(value)?.dims.map((_, axis) => ({ value, axis })) ?? []);
  const operator = operatorOf(node);
  if (!operator || shapes.unknown.some((entry) => entry.node === node)) {
    const reason = shapes.unknown.find((entry) => entry.node === node)?.reason ?? `operator ${node.op} is not known`;
    const relations = everyAxis([...node.inputs, ...node.outputs]).map((at): Relation => ({ kind: 'pin', at, reason }));
    return { node: node.name, relations, sources: [], readers: [] };
  }
  const relations = operator.tie(shapedNode(graph, node, shapes.types));
  return { node: node.name, relations, ...rolesOf(graph, node, relations) };
}

/**
 * A weight axis tied to an output axis, but through no activation, makes new channels; one tied to an axis of an input
 * that does not go on to an output sums over its channels.
 */
function rolesOf(graph: Graph, node: Node, relations: Relation[]): Pick<NodeRelations, 'sources' | 'readers'> {
  const outputs = new Set(node.outputs);
  const isActivation = (value: string) => !outputs.has(value) && !graph.initializers.has(value);
  const through = new Set<string>();
  const pairs: [AxisRef, AxisRef][] = relations.flatMap((relation): [AxisRef, AxisRef][] => {
    if (relation.kind === 'same')
      return [
        [relation.a, relation.b],
        [relation.b, relation.a],
      ];
    if (relation.kind === 'pin') return [];
    const sides = [relation.from, relation.to].map(({ value, axes }) => axes.map((axis) => ({ value, axis })));
    const [from = [], to = []] = sides;
    return from.flatMap((a) =>
      to.flatMap((b): [AxisRef, AxisRef][] => [
        [a, b],
        [b, a],
      ]),
    );
  });
  const touches = (at: AxisRef, is: (value: string) => boolean) =>
    pairs.some(([one, other]) => keyOf(one) === keyOf(at) && is(other.value));
  for (const [one, other] of pairs) {
    // Directly, or through a weight that is tied to both (the filters of a depthwise convolution).
    const weight =
      graph.initializers.has(one.value) && touches(one, isActivation) && touches(one, (value) => outputs.has(value));
    if (weight) through.add(keyOf(other));
    if (isActivation(one.value) && outputs.has(other.value)) {
      through.add(keyOf(one));
      through.add(keyOf(other));
    }
  }
  // Integers are arguments (shapes, indices), whose elements are no channels.
  const isWeight = (value: string) => graph.initializers.get(value)?.dtype.startsWith('float') ?? false;
  const weights = pairs.filter(([weight, other]) => isWeight(weight.value) && !through.has(keyOf(other)));
  return {
    sources: weights.filter(([, other]) => outputs.has(other.value)).map(([weight]) => weight),
    readers: weights.filter(([, other]) => isActivation(other.value)).map(([weight]) => weight),
  };
}

/** The axis among `axes` that carries channels through a reshape: the chosen one, else the longest. */
function carrier(types: ReadonlyMap<string, ValueType>, value: string, axes: number[], choice?: number): number[] {
  if (axes.length <= 1) return axes;
  if (choice !== undefined && axes.includes(choice)) return [choice];
  const dims = types.get(value)?.dims ?? [];
  const extent = (axis: number) => Number(dims[axis] ?? 0);
  return [axes.reduce((best, axis) => (extent(axis) > extent(best) ? axis : best))];
}

function carryingAxes(
  described: NodeRelations[],
  types: ReadonlyMap<string, ValueType>,
  choices: ReadonlyMap<string, number>,
): Map<string, CarryingAxis> {
  const neighbours = new Map<string, { relation: Relation; choice: number | undefined }[]>();
  const note = (at: AxisRef, relation: Relation, choice?: number) => {
    const key = keyOf(at);
    const list = neighbours.get(key);
    if (list) list.push({ relation, choice });
    else neighbours.set(key, [{ relation, choice }]);
  };
  for (const { node, relations } of described)
    relations.forEach((relation, index) => {
      const choice = choices.get(`${node}/${index}`);
      if (relation.kind === 'same') {
        note(relation.a, relation);
        note(relation.b, relation);
      } else if (relation.kind === 'reshape') {
        for (const axis of relation.from.axes) note({ value: relation.from.value, axis }, relation, choice);
        for (const axis of relation.to.axes) note({ value: relation.to.value, axis }, relation, choice);
      }
    });

  const readers = new Set(described.flatMap((node) => node.readers.map(keyOf)));
  const carried = new Map<string, CarryingAxis>();
  const queue: AxisRef[] = [];
  const reach = (at: AxisRef, source: boolean) => {
    const key = keyOf(at);
    const extent = types.get(at.value)?.dims[at.axis];
    if (carried.has(key) || typeof extent !== 'number') return;
    carried.set(key, { value: at.value, axis: at.axis, extent, base: 0, source, reads: readers.has(key) });
    queue.push(at);
  };
  for (const { sources } of described) for (const source of sources) reach(source, true);
  for (let at = queue.pop(); at; at = queue.pop())
    for (const { relation, choice } of neighbours.get(keyOf(at)) ?? []) {
      if (relation.kind === 'same') {
        reach(relation.a, false);
        reach(relation.b, false);
      } else if (relation.kind === 'reshape') {
        const { from, to } = relation;
        const [value, axes] =
          from.value === at.value && from.axes.includes(at.axis) ? [to.value, to.axes] : [from.value, from.axes];
        const alreadyCarried = axes.some((axis) => carried.has(keyOf({ value, axis })));
        if (!alreadyCarried) for (const axis of carrier(types, value, axes, choice)) reach({ value, axis }, false);
      }
    }
  return carried;
}

function uniteSpans(
  sets: DisjointSets,
  axes: ReadonlyMap<string, CarryingAxis>,
  a: Span,
  b: Span,
  blocks = a.length,
): void {
  const axisA = axes.get(keyOf(a));
  const axisB = axes.get(keyOf(b));
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
  axes: ReadonlyMap<string, CarryingAxis>,
  types: ReadonlyMap<string, ValueType>,
  { from, to }: Extract<Relation, { kind: 'reshape' }>,
): void {
  const sides = [from, to].flatMap((side) => {
    const extents = side.axes.map((axis) => Number(types.get(side.value)?.dims[axis]));
    return side.axes.flatMap((axis, position) => {
      const carried = axes.get(keyOf({ value: side.value, axis }));
      if (!carried) return [];
      const stride = extents.slice(position + 1).reduce((product, extent) => product * extent, 1);
      return [{ base: carried.base, extent: carried.extent, stride }];
    });
  });
  const [first, ...others] = sides;
  if (!first || others.length === 0) return;
  const positions = from.axes.reduce((product, axis) => product * Number(types.get(from.value)?.dims[axis]), 1);
  const at = (side: typeof first, position: number) => side.base + (Math.floor(position / side.stride) % side.extent);
  for (let position = 0; position < positions; position++)
    for (const other of others) sets.unite(at(first, position), at(other, position));
}

function pinsOf(graph: Graph, described: NodeRelations[], axes: ReadonlyMap<string, CarryingAxis>): Ties['pins'] {
  const pins: Ties['pins'] = [];
  const pin = (at: AxisRef, node: string, reason: string) => {
    const axis = axes.get(keyOf(at));
    if (axis) pins.push({ node, reason, axis });
  };
  const everyAxis = (value: string) => [...Array(16).keys()].map((axis) => ({ value, axis }));
  for (const { name } of graph.inputs) for (const at of everyAxis(name)) pin(at, name, 'it is an input of the graph');
  for (const { name } of graph.outputs) {
    const maker = graph.nodes.find((node) => node.outputs.includes(name))?.name ?? name;
    for (const at of everyAxis(name)) pin(at, maker, `it makes the output "${name}" of the graph`);
  }
  for (const { node, relations } of described)
    for (const relation of relations) if (relation.kind === 'pin') pin(relation.at, node, relation.reason);
  return pins;
}

/** Union-find with path halving; the smaller number represents a set, so that the result does not depend on order. */
class DisjointSets {
  readonly #parent: Int32Array;

  constructor(size: number) {
    this.#parent = Int32Array.from({ length: size }, (_, index) => index);
  }

  find(element: number): number {
    const parent = this.#parent;
    let at = element;
    for (let up = parent[at] ?? at; up !== at; up = parent[at] ?? at) {
      const grand = parent[up] ?? up;
      parent[at] = grand;
      at = grand;
    }
    return at;
  }

  unite(a: number, b: number): void {
    const rootA = this.find(a);
    const rootB = this.find(b);
    if (rootA < rootB) this.#parent[rootB] = rootA;
    else this.#parent[rootA] = rootB;
  }

  classes(): Int32Array {
    return this.#parent.map((_, element) => this.find(element));
  }
}
