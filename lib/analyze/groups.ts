/**
 * Dependency groups: the channels of a graph that can be removed, and everything that goes with each of them.
 *
 * A *channel* is one class of elements that live and die together (ties.ts). Channels that touch the same axes in the
 * same way form a *group*: the filters of one convolution with the batch norm and the consumers behind it, or of several
 * convolutions whose outputs are added.
 */

import type { Graph } from '../graph/graph.js';
import { sizeOf } from '../graph/tensor.js';
import type { AxisRef } from '../ops/operator.js';
import { bestChoice, type Outcome } from './choices.js';
import type { Description, Shuffle } from './described.js';
import { describeGraph, keyOf } from './relations.js';
import { inferShapes, type Shapes } from './shapes.js';
import { type CarryingAxis, type Ties, tieGraph } from './ties.js';

/** One axis of one initializer that is cut with a group. */
export interface Member extends AxisRef {
  /** Elements of the axis that go with each channel (49 for a 7×7 map flattened into a dense layer). */
  perChannel: number;
  /** Channel c owns elements `indices[c·perChannel]` … `indices[(c + 1)·perChannel − 1]` of the axis. */
  indices: Int32Array;
  /**
   * `makes`: the channels are its output (filters of a convolution, neurons of a dense layer). `reads`: it sums over them
   * (input channels of what comes next). `scales`: one value for each of them (bias, batch norm).
   */
  role: 'makes' | 'reads' | 'scales';
}

export interface Group {
  /** The name of the first weight that makes its channels. */
  id: string;
  channels: number;
  /** Initializers only. */
  members: Member[];
}

/** Where each element of a carrying axis belongs. */
export interface AxisChannels extends AxisRef {
  extent: number;
  /** The group of each element, −1 where it is in none. */
  group: Int32Array;
  /** The channel within the group. */
  channel: Int32Array;
}

export interface Dependencies {
  shapes: Shapes;
  groups: Group[];
  /** Weights that make channels which cannot be removed, with the reason. */
  pinned: { node: string; reason: string }[];
  /** For every axis of every value and initializer that some group cuts. */
  axes: Map<string, AxisChannels>;
  /** Nodes that put channels in another order, and that surgery has to write anew when some of them go. */
  shuffles: Shuffle[];
}

/** @param ignore initializers (by name) whose channels must all stay. */
export function dependencyGroups(graph: Graph, ignore: (initializer: string) => boolean = () => false): Dependencies {
  const description = describeGraph(graph, inferShapes(graph));
  return bestChoice(description, (choices) => groupsOf(description, tieGraph(description, choices), ignore))
    .dependencies;
}

/** The weights that can go when every group is cut to one channel: many small ones count more than a few large ones. */
function prunable(graph: Graph, groups: readonly Group[]): number {
  let score = 0;
  for (const { channels, members } of groups)
    for (const { value, axis, indices } of members) {
      const tensor = graph.initializers.get(value);
      const share = indices.length / (tensor?.dims[axis] ?? 1);
      score += sizeOf(tensor?.dims ?? [0]) * share * (1 - 1 / channels);
    }
  return score;
}

/** Classes of elements by number, in the order in which their first elements were found. */
interface Classes {
  /** The class of each element. */
  of: Int32Array;
  count: number;
}

function groupsOf(
  { graph, shapes, shuffles }: Description,
  ties: Ties,
  ignore: (initializer: string) => boolean,
): Outcome & { dependencies: Dependencies } {
  const classes = numbered(ties.classOf);
  const axes = [...ties.axes.values()];
  const reasons = pinnedClasses(graph, ties, classes, ignore);
  const made = classesMade(axes, classes);
  const kind = kindsOf(axes, classes);
  const groupOf = new Int32Array(classes.count).fill(-1);
  const channelOf = new Int32Array(classes.count);
  const groups: Group[] = [];
  const groupOfKind = new Map<number, number>();
  for (let number = 0; number < classes.count; number++) {
    if (made[number] === 0 || reasons.has(number)) continue;
    const kindOfClass = kind[number] ?? 0;
    let group = groupOfKind.get(kindOfClass);
    if (group === undefined) {
      group = groups.length;
      groupOfKind.set(kindOfClass, group);
      groups.push({ id: '', channels: 0, members: [] });
    }
    const entry = groups[group];
    groupOf[number] = group;
    if (entry) channelOf[number] = entry.channels++;
  }
  const cut = new Map<string, AxisChannels>();
  for (const axis of axes) {
    const entry = channelsAlong(axis, classes, groupOf, channelOf);
    if (!entry) continue;
    cut.set(keyOf(axis), entry);
    if (graph.initializers.has(axis.value)) addMembers(groups, axis, entry);
  }
  for (const [number, group] of groups.entries())
    group.id =
      group.members.find((member) => member.role === 'makes')?.value ?? group.members[0]?.value ?? `group ${number}`;
  nameApart(groups);
  const pinned = pinnedNodes(graph, axes, classes, made, reasons);
  const troubled = (at: AxisRef): boolean => {
    const axis = ties.axes.get(keyOf(at));
    for (let index = 0; axis && index < axis.extent; index++)
      if (reasons.get(classes.of[axis.base + index] ?? 0)?.border === false) return true;
    return false;
  };
  return { dependencies: { shapes, groups, pinned, axes: cut, shuffles }, score: prunable(graph, groups), troubled };
}

function numbered(classOf: Int32Array): Classes {
  const numbers = new Int32Array(classOf.length).fill(-1);
  const of = new Int32Array(classOf.length);
  let count = 0;
  for (let element = 0; element < classOf.length; element++) {
    const representative = classOf[element] ?? 0;
    let number = numbers[representative] ?? -1;
    if (number < 0) {
      number = count++;
      numbers[representative] = number;
    }
    of[element] = number;
  }
  return { of, count };
}

/** 1 for the classes along which some weight makes channels. */
function classesMade(axes: readonly CarryingAxis[], classes: Classes): Uint8Array {
  const made = new Uint8Array(classes.count);
  for (const axis of axes)
    if (axis.source) for (let index = 0; index < axis.extent; index++) made[classes.of[axis.base + index] ?? 0] = 1;
  return made;
}

/** Equal numbers for classes that have equally many elements along every axis: partition refinement, axis by axis. */
function kindsOf(axes: readonly CarryingAxis[], classes: Classes): Int32Array {
  const kind = new Int32Array(classes.count);
  const elements = new Int32Array(classes.count);
  let kinds = 1;
  for (const { base, extent } of axes) {
    const touched: number[] = [];
    for (let index = 0; index < extent; index++) {
      const number = classes.of[base + index] ?? 0;
      if (elements[number] === 0) touched.push(number);
      elements[number] = (elements[number] ?? 0) + 1;
    }
    const refined = new Map<number, number>();
    for (const number of touched) {
      const key = (kind[number] ?? 0) * (extent + 1) + (elements[number] ?? 0);
      let next = refined.get(key);
      if (next === undefined) {
        next = kinds++;
        refined.set(key, next);
      }
      kind[number] = next;
      elements[number] = 0;
    }
  }
  return kind;
}

interface Reason {
  text: string;
  /** The channels are those of an input or output of the graph, or the person wants them to stay. */
  border: boolean;
}

/** The reason why the elements of a class must stay, by class. */
function pinnedClasses(
  graph: Graph,
  ties: Ties,
  classes: Classes,
  ignore: (initializer: string) => boolean,
): Map<number, Reason> {
  const reasons = new Map<number, Reason>();
  const pinAxis = (axis: CarryingAxis, text: string, border: boolean) => {
    for (let index = 0; index < axis.extent; index++) {
      const number = classes.of[axis.base + index] ?? 0;
      if (!reasons.has(number)) reasons.set(number, { text, border });
    }
  };
  for (const { node, reason, axis, border } of ties.pins) pinAxis(axis, `${reason} (${node})`, border);
  for (const axis of ties.axes.values()) {
    if (axis.source && graph.initializers.has(axis.value) && ignore(axis.value))
      pinAxis(axis, 'it is on the list of layers to ignore', true);
    const reason = wholeAxisReason(axis, classes);
    if (reason !== undefined) pinAxis(axis, reason, false);
  }
  return reasons;
}

/** A channel that is all there is of some axis cannot go. */
function wholeAxisReason({ value, base, extent }: CarryingAxis, classes: Classes): string | undefined {
  const first = classes.of[base];
  for (let index = 1; index < extent; index++) if (classes.of[base + index] !== first) return undefined;
  return extent === 1 ? `"${value}" has one channel` : `all ${extent} channels of "${value}" depend on each other`;
}

function pinnedNodes(
  graph: Graph,
  axes: readonly CarryingAxis[],
  classes: Classes,
  made: Uint8Array,
  reasons: ReadonlyMap<number, Reason>,
): Dependencies['pinned'] {
  const weights = new Map<string, string>();
  for (const axis of axes)
    for (let index = 0; axis.source && index < axis.extent; index++) {
      const number = classes.of[axis.base + index] ?? 0;
      const reason = reasons.get(number)?.text;
      if (reason !== undefined && made[number] === 1 && !weights.has(axis.value)) weights.set(axis.value, reason);
    }
  return graph.nodes.flatMap(({ name, inputs }) => {
    const reason = inputs.map((input) => weights.get(input)).find((found) => found !== undefined);
    return reason === undefined ? [] : [{ node: name, reason }];
  });
}

/** Where the elements of an axis belong; undefined when none is in a group. */
function channelsAlong(
  axis: CarryingAxis,
  classes: Classes,
  groupOf: Int32Array,
  channelOf: Int32Array,
): AxisChannels | undefined {
  const { value, extent, base } = axis;
  const group = new Int32Array(extent);
  const channel = new Int32Array(extent);
  let some = false;
  for (let index = 0; index < extent; index++) {
    const number = classes.of[base + index] ?? 0;
    group[index] = groupOf[number] ?? -1;
    channel[index] = channelOf[number] ?? 0;
    some ||= group[index] !== -1;
  }
  return some ? { value, axis: axis.axis, extent, group, channel } : undefined;
}

function addMembers(groups: readonly Group[], axis: CarryingAxis, { group, channel }: AxisChannels): void {
  const role = axis.source ? 'makes' : axis.reads ? 'reads' : 'scales';
  const counts = new Map<number, number>();
  // Channels of a group mostly lie next to each other.
  for (let index = 0; index < group.length; ) {
    const number = group[index] ?? -1;
    const start = index;
    while (index < group.length && group[index] === number) index++;
    if (number >= 0) counts.set(number, (counts.get(number) ?? 0) + index - start);
  }
  const filling = new Map<number, { member: Member; filled: Int32Array }>();
  for (const [number, count] of counts) {
    const owner = groups[number];
    if (!owner) continue;
    const perChannel = count / owner.channels;
    const member = { value: axis.value, axis: axis.axis, perChannel, indices: new Int32Array(count), role } as const;
    owner.members.push(member);
    filling.set(number, { member, filled: new Int32Array(owner.channels) });
  }
  let into: { member: Member; filled: Int32Array } | undefined;
  for (let index = 0; index < group.length; index++) {
    if (group[index] !== group[index - 1]) into = filling.get(group[index] ?? -1);
    if (!into) continue;
    const own = channel[index] ?? 0;
    const position = into.filled[own] ?? 0;
    into.member.indices[own * into.member.perChannel + position] = index;
    into.filled[own] = position + 1;
  }
}

/** Groups made by different channels of one weight get its name with a number. */
function nameApart(groups: Group[]): void {
  const seen = new Map<string, number>();
  for (const group of groups) {
    const count = (seen.get(group.id) ?? 0) + 1;
    seen.set(group.id, count);
    if (count > 1) group.id = `${group.id}#${count}`;
  }
}
