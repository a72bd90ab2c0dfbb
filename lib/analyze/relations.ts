/** What the operators of a graph say of its channels, and which weights make and read them. */

import type { Graph, Node } from '../graph/graph.js';
import type { AxisRef, Relation, SettledRelation, ValueType } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';
import type { Choices, DescribedNode, Description } from './described.js';
import { staysPinned } from './normalization.js';
import { type Shapes, shapedNode } from './shapes.js';
import { findShuffles } from './shuffles.js';

export interface Roles {
  /** Weight axes along which new channels are made. */
  sources: AxisRef[];
  /** Weight axes along which the channels of an input are summed. */
  readers: AxisRef[];
}

export function keyOf({ value, axis }: AxisRef): string {
  return `${axis}:${value}`;
}

export function describeGraph(graph: Graph, shapes: Shapes): Description {
  const constants = new Set(graph.initializers.keys());
  for (const node of graph.nodes)
    if (node.inputs.every((input) => input === '' || constants.has(input)))
      for (const output of node.outputs) constants.add(output);
  const described = graph.nodes.map((node) => describeNode(graph, node, shapes));
  const shuffles = findShuffles(graph, described);
  const replaced = new Map(shuffles.flatMap((shuffle) => shuffle.nodes.map((node) => [node, shuffle] as const)));
  const nodes = described.map((entry): DescribedNode => {
    const shuffle = replaced.get(entry.node);
    if (shuffle) return { ...entry, relations: shuffle.nodes[0] === entry.node ? shuffle.relations : [] };
    if (!entry.relations.some((relation) => relation.kind === 'pin' && relation.unlessNormalizing)) return entry;
    return { ...entry, relations: entry.relations.filter((relation) => staysPinned(graph, shapes, entry, relation)) };
  });
  return { graph, shapes, nodes, constants, shuffles };
}

function describeNode(graph: Graph, node: Node, shapes: Shapes): DescribedNode {
  const operator = operatorOf(node);
  const unknown = shapes.unknown.find((entry) => entry.node === node);
  if (operator && !unknown) {
    const shaped = shapedNode(graph, node, shapes.types);
    return { node, shaped, relations: operator.tie(shaped) };
  }
  const reason = unknown?.reason ?? `operator ${node.op} is not known`;
  const relations = [...node.inputs, ...node.outputs].flatMap((value): Relation[] =>
    (shapes.types.get(value)?.dims ?? []).map((_, axis) => ({ kind: 'pin', at: { value, axis }, reason })),
  );
  return { node, shaped: undefined, relations };
}

/** The relations of a node with one of the options of each `either`: the chosen one, else the first. */
export function settled({ node, relations }: DescribedNode, choices: Choices): SettledRelation[] {
  if (isSettled(relations)) return relations;
  return relations.flatMap((relation, index): SettledRelation[] => {
    if (relation.kind !== 'either') return [relation];
    return relation.options[choices.get(`${node.name}/${index}`) ?? 0] ?? [];
  });
}

function isSettled(relations: Relation[]): relations is SettledRelation[] {
  return relations.every(({ kind }) => kind !== 'either');
}

/**
 * A weight axis tied to an output axis, but through no activation, makes new channels; one tied to an axis of an input
 * that does not go on to an output sums over its channels.
 */
export function rolesOf({ shapes, constants }: Description, node: Node, relations: readonly SettledRelation[]): Roles {
  const roles: Roles = { sources: [], readers: [] };
  const weighs = node.inputs.some((input) => constants.has(input));
  if (!weighs || node.outputs.every((output) => constants.has(output))) return roles;
  const isOutput = (value: string) => node.outputs.includes(value);
  const isActivation = (value: string) => !isOutput(value) && !constants.has(value);
  // Integers are arguments (shapes, indices), whose elements are no channels.
  const isWeight = (value: string) => constants.has(value) && isFloat(shapes.types.get(value));
  const pairs = relatedAxes(relations);
  const tiedTo = (at: AxisRef, which: (value: string) => boolean) =>
    pairs.some(({ one, other }) => isSameAxis(one, at) && which(other.value));
  /** Tied to what goes on, directly or by a weight that is tied to both (the filters of a depthwise convolution). */
  const goesThrough = (at: AxisRef) =>
    (isActivation(at.value) && tiedTo(at, isOutput)) ||
    (isOutput(at.value) && tiedTo(at, isActivation)) ||
    pairs.some(
      ({ one, other }) =>
        isSameAxis(other, at) && constants.has(one.value) && tiedTo(one, isActivation) && tiedTo(one, isOutput),
    );
  for (const { one, other } of pairs) {
    if (constants.has(other.value) || !isWeight(one.value) || goesThrough(other)) continue;
    (isOutput(other.value) ? roles.sources : roles.readers).push(one);
  }
  return roles;
}

/** Whether both are the same axis of the same value. */
export function isSameAxis(one: AxisRef, other: AxisRef): boolean {
  return one.axis === other.axis && one.value === other.value;
}

function isFloat(type: ValueType | undefined): boolean {
  return type?.dtype.startsWith('float') ?? false;
}

/** The pairs of axes that relations tie, in both orders. */
function relatedAxes(relations: readonly SettledRelation[]): Related[] {
  const pairs: Related[] = [];
  for (const relation of relations) {
    if (relation.kind === 'same') {
      pairs.push({ one: relation.a, other: relation.b }, { one: relation.b, other: relation.a });
    } else if (relation.kind === 'reshape') {
      const { from, to } = relation;
      for (const axisFrom of from.axes)
        for (const axisTo of to.axes) {
          const [one, other] = [
            { value: from.value, axis: axisFrom },
            { value: to.value, axis: axisTo },
          ];
          pairs.push({ one, other }, { one: other, other: one });
        }
    }
  }
  return pairs;
}

interface Related {
  one: AxisRef;
  other: AxisRef;
}

/**
 * Roles of the axes of a weight that is computed (standardised, normalised, transposed) are those of the tensor of as
 * many elements that it is computed from.
 */
export function rolesOfComputed(
  { nodes, constants, shapes }: Description,
  relationsOf: (entry: DescribedNode) => readonly SettledRelation[],
  axes: readonly AxisRef[],
): readonly AxisRef[] {
  const size = (value: string) =>
    (shapes.types.get(value)?.dims ?? []).reduce<number>((product, extent) => product * Number(extent), 1);
  const computing = nodes.filter(({ node }) => node.outputs.every((output) => constants.has(output)));
  if (computing.length === 0) return axes;
  const all = new Map(axes.map((at) => [keyOf(at), at]));
  for (const entry of computing.reverse()) {
    const { node } = entry;
    for (const { one: output, other: input } of relatedAxes(relationsOf(entry)))
      if (all.has(keyOf(output)) && node.outputs.includes(output.value) && node.inputs.includes(input.value))
        if (size(output.value) === size(input.value)) all.set(keyOf(input), input);
  }
  return [...all.values()];
}
