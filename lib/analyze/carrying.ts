/** The axes that can carry channels: those reached, over relations, from the output axis of some weight. */

import type { AxisRef, SettledRelation, ValueType } from '../ops/operator.js';
import { AxisMap } from './axis-map.js';
import { isSameAxis } from './relations.js';

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

export interface NodeRelations {
  node: string;
  relations: SettledRelation[];
  /** What is chosen for each relation; empty where nothing is. */
  choices: (number | undefined)[];
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
export function carriedBy(axes: AxisMap<CarryingAxis>, types: ReadonlyMap<string, ValueType>, side: Side) {
  return side.axes.flatMap((axis) => {
    const carried = axes.get({ value: side.value, axis });
    return carried ? [{ carried, ...strided(types, side, axis) }] : [];
  });
}

export interface Carrying {
  axes: AxisMap<CarryingAxis>;
  /** The relations that tie such axes, each once; what they say of others is of no consequence. */
  ties: Set<TyingRelation>;
}

export type TyingRelation = Extract<SettledRelation, { kind: 'same' | 'reshape' }>;

export function carryingAxes(
  described: readonly NodeRelations[],
  sources: readonly AxisRef[],
  readers: readonly AxisRef[],
  types: ReadonlyMap<string, ValueType>,
): Carrying {
  const around = nodesAround(described);
  const read = new AxisMap<true>();
  for (const reader of readers) read.getOrMake(reader, () => true);
  const carried = new AxisMap<CarryingAxis>();
  const ties = new Set<TyingRelation>();
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
    for (const { relations, choices } of around.get(at.value) ?? [])
      for (let index = 0; index < relations.length; index++) {
        const relation = relations[index];
        if (relation?.kind === 'same') {
          const ahead = isSameAxis(relation.a, at);
          if (!ahead && !isSameAxis(relation.b, at)) continue;
          ties.add(relation);
          reach(ahead ? relation.b : relation.a, false);
        } else if (relation?.kind === 'reshape') {
          const { from, to } = relation;
          const forward = holds(from, at);
          if (!forward && !holds(to, at)) continue;
          ties.add(relation);
          const [near, far] = forward ? [from, to] : [to, from];
          if (far.axes.some((axis) => carried.get({ value: far.value, axis }))) continue;
          const axis = carrier(types, { ...near, axis: at.axis }, far, choices[index]);
          if (axis !== undefined) reach({ value: far.value, axis }, false);
        }
      }
  return { axes: carried, ties };
}

/** The nodes whose relations speak of a value, in order. */
function nodesAround(described: readonly NodeRelations[]): Map<string, NodeRelations[]> {
  const around = new Map<string, NodeRelations[]>();
  for (const node of described) {
    const noted: string[] = [];
    const note = (value: string) => {
      if (noted.includes(value)) return;
      noted.push(value);
      const nodes = around.get(value);
      if (nodes) nodes.push(node);
      else around.set(value, [node]);
    };
    for (const relation of node.relations) {
      if (relation.kind === 'same') {
        note(relation.a.value);
        note(relation.b.value);
      } else if (relation.kind === 'reshape') {
        note(relation.from.value);
        note(relation.to.value);
      }
    }
  }
  return around;
}

function holds({ value, axes }: Side, at: AxisRef): boolean {
  return value === at.value && axes.includes(at.axis);
}
