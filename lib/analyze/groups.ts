/**
 * Dependency groups: the channels of a graph that can be removed, and everything that goes with each of them.
 *
 * A *channel* is one class of elements that live and die together (ties.ts). Channels that touch the same axes in the
 * same way form a *group*: the filters of one convolution with the batch norm and the consumers behind it, or of several
 * convolutions whose outputs are added.
 */

import type { Graph } from '../graph/graph.js';
import type { AxisRef } from '../ops/operator.js';
import { inferShapes, type Shapes } from './shapes.js';
import { type CarryingAxis, keyOf, type Ties, tieGraph } from './ties.js';

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
}

/** @param ignore initializers (by name) whose channels must all stay. */
export function dependencyGroups(graph: Graph, ignore: (initializer: string) => boolean = () => false): Dependencies {
  return groupsOf(graph, tieGraph(graph, new Map(), inferShapes(graph)), ignore);
}

interface Channel {
  /** Elements by axis, in the order in which the axes were found. */
  elements: Map<CarryingAxis, number[]>;
  sources: number;
}

function groupsOf(graph: Graph, ties: Ties, ignore: (initializer: string) => boolean): Dependencies {
  const channels = new Map<number, Channel>();
  for (const axis of ties.axes.values())
    for (let index = 0; index < axis.extent; index++) {
      const representative = ties.classOf[axis.base + index] ?? -1;
      let channel = channels.get(representative);
      if (!channel) {
        channel = { elements: new Map(), sources: 0 };
        channels.set(representative, channel);
      }
      const list = channel.elements.get(axis);
      if (list) list.push(index);
      else channel.elements.set(axis, [index]);
      if (axis.source) channel.sources++;
    }

  const reasons = pinnedClasses(graph, ties, ignore);
  const bySignature = new Map<string, Channel[]>();
  const pinned = new Map<string, string>();
  for (const [representative, channel] of channels) {
    if (channel.sources === 0) continue;
    const reason = reasons.get(representative) ?? wholeAxisReason(channel);
    if (reason !== undefined) {
      for (const node of makersOf(graph, channel)) pinned.set(node, reason);
      continue;
    }
    const signature = [...channel.elements].map(([axis, list]) => `${axis.base}×${list.length}`).join();
    const alike = bySignature.get(signature);
    if (alike) alike.push(channel);
    else bySignature.set(signature, [channel]);
  }

  const axes = new Map<string, AxisChannels>();
  const groups = [...bySignature.values()].map((members, number) => makeGroup(graph, members, number, axes));
  nameApart(groups);
  return { shapes: ties.shapes, groups, pinned: [...pinned].map(([node, reason]) => ({ node, reason })), axes };
}

/** The reason why the elements of a class must stay, by class. */
function pinnedClasses(graph: Graph, ties: Ties, ignore: (initializer: string) => boolean): Map<number, string> {
  const reasons = new Map<number, string>();
  const pinAxis = (axis: CarryingAxis, reason: string) => {
    for (let index = 0; index < axis.extent; index++) {
      const representative = ties.classOf[axis.base + index] ?? -1;
      if (!reasons.has(representative)) reasons.set(representative, reason);
    }
  };
  for (const { node, reason, axis } of ties.pins) pinAxis(axis, `${reason} (${node})`);
  for (const axis of ties.axes.values())
    if (axis.source && graph.initializers.has(axis.value) && ignore(axis.value))
      pinAxis(axis, 'it is on the list of layers to ignore');
  return reasons;
}

/** A channel that is all there is of some axis cannot go. */
function wholeAxisReason(channel: Channel): string | undefined {
  for (const [axis, list] of channel.elements)
    if (list.length === axis.extent)
      return axis.extent === 1
        ? `"${axis.value}" has one channel`
        : `all ${axis.extent} channels of "${axis.value}" depend on each other`;
  return undefined;
}

function makersOf(graph: Graph, channel: Channel): string[] {
  const makes = new Set([...channel.elements.keys()].filter((axis) => axis.source).map((axis) => axis.value));
  return graph.nodes.filter((node) => node.inputs.some((input) => makes.has(input))).map((node) => node.name);
}

function makeGroup(graph: Graph, channels: Channel[], number: number, axes: Map<string, AxisChannels>): Group {
  const [first] = channels;
  const touched = first ? [...first.elements.keys()] : [];
  const members: Member[] = [];
  for (const axis of touched) {
    const owned = channels.map((channel) => channel.elements.get(axis) ?? []);
    const key = keyOf(axis);
    let entry = axes.get(key);
    if (!entry) {
      const { value, extent } = axis;
      entry = {
        value,
        axis: axis.axis,
        extent,
        group: new Int32Array(extent).fill(-1),
        channel: new Int32Array(extent),
      };
      axes.set(key, entry);
    }
    for (const [channel, list] of owned.entries())
      for (const index of list) {
        entry.group[index] = number;
        entry.channel[index] = channel;
      }
    if (graph.initializers.has(axis.value)) {
      const perChannel = owned[0]?.length ?? 0;
      const role = axis.source ? 'makes' : axis.reads ? 'reads' : 'scales';
      members.push({ value: axis.value, axis: axis.axis, perChannel, indices: Int32Array.from(owned.flat()), role });
    }
  }
  const id = members.find((member) => member.role === 'makes')?.value ?? members[0]?.value ?? `group ${number}`;
  return { id, channels: channels.length, members };
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
