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
import type { CarryingAxis } from './carrying.js';
import { type AxisChannels, type Classes, channelsAlong, numbered, type Share, sharesOf } from './channels.js';
import { bestChoice, type Outcome } from './choices.js';
import type { Description, Shuffle } from './described.js';
import { describeGraph, keyOf } from './relations.js';
import { inferShapes, type Shapes } from './shapes.js';
import { type Ties, tieGraph } from './ties.js';

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

function groupsOf(
  { graph, shapes, shuffles }: Description,
  ties: Ties,
  ignore: (initializer: string) => boolean,
): Outcome & { dependencies: Dependencies } {
  const axes = ties.axes.values();
  const distinct = distinctAxes(axes);
  const classes = numbered(ties, distinct);
  const { atoms } = classes;
  const reasons = pinnedAtoms(graph, ties, classes, ignore);
  const made = atomsMade(axes, classes);
  const kind = kindsOf(distinct, classes);
  const groupOf = new Int32Array(kind.length).fill(-1);
  const firstChannel = new Int32Array(kind.length);
  const groups: Group[] = [];
  const groupOfKind = new Map<number, number>();
  for (const [atom, kindOfAtom] of kind.entries()) {
    if (made[atom] === 0 || reasons.of[atom] !== 0) continue;
    const group = groupOfKind.get(kindOfAtom) ?? groups.length;
    groupOfKind.set(kindOfAtom, group);
    const entry = groups[group] ?? { id: '', channels: 0, members: [] };
    groups[group] = entry;
    groupOf[atom] = group;
    firstChannel[atom] = entry.channels;
    entry.channels += (atoms[atom + 1] ?? 0) - (atoms[atom] ?? 0);
  }
  const cut = new Map<string, AxisChannels>();
  // Axes with the same elements share their lists of channels.
  const belonging = { ...classes, groupOf, firstChannel };
  const channels = new Map(distinct.map((axis) => [axis.base, channelsAlong(axis, belonging)]));
  const shares = new Map<number, Share[]>();
  for (const axis of axes) {
    const along = channels.get(axis.base);
    if (!along) continue;
    cut.set(keyOf(axis), { value: axis.value, axis: axis.axis, extent: axis.extent, ...along });
    if (!graph.initializers.has(axis.value)) continue;
    const owned = shares.get(axis.base) ?? sharesOf(groups, axis, belonging);
    shares.set(axis.base, owned);
    const role = axis.source ? 'makes' : axis.reads ? 'reads' : 'scales';
    for (const { group, perChannel, indices } of owned)
      groups[group]?.members.push({ value: axis.value, axis: axis.axis, perChannel, indices, role });
  }
  for (const [number, group] of groups.entries())
    group.id =
      group.members.find((member) => member.role === 'makes')?.value ?? group.members[0]?.value ?? `group ${number}`;
  nameApart(groups);
  const pinned = pinnedNodes(graph, axes, classes, made, reasons);
  const inner = reasons.list.some((reason) => reason?.border === false);
  const troubled = (at: AxisRef): boolean => {
    const axis = inner ? ties.axes.get(at) : undefined;
    return axis !== undefined && classes.along(axis).some((atom) => reasonOf(atom, reasons)?.border === false);
  };
  return {
    dependencies: { shapes, groups, pinned, axes: cut, shuffles },
    score: () => prunable(graph, groups),
    troubled,
  };
}

/** One axis for each set of elements. */
function distinctAxes(axes: readonly CarryingAxis[]): CarryingAxis[] {
  return [...new Map(axes.map((axis) => [axis.base, axis])).values()];
}

/** 1 for the atoms along which some weight makes channels. */
function atomsMade(axes: readonly CarryingAxis[], classes: Classes): Uint8Array {
  const made = new Uint8Array(classes.atoms.length - 1);
  for (const axis of axes) if (axis.source) for (const atom of classes.along(axis)) made[atom] = 1;
  return made;
}

/** Equal numbers for atoms that come equally often along every axis: partition refinement, axis by axis. */
function kindsOf(axes: readonly CarryingAxis[], { along, atoms }: Classes): Int32Array {
  const kind = new Int32Array(atoms.length - 1);
  const times = new Int32Array(kind.length);
  let kinds = 1;
  for (const axis of axes) {
    const met = along(axis);
    for (const atom of met) times[atom] = (times[atom] ?? 0) + 1;
    const refined = new Map<number, number>();
    for (const atom of met) {
      const often = times[atom] ?? 0;
      if (often === 0) continue;
      const key = (kind[atom] ?? 0) * (axis.extent + 1) + often;
      const next = refined.get(key) ?? kinds++;
      refined.set(key, next);
      kind[atom] = next;
      times[atom] = 0;
    }
  }
  return kind;
}

interface Reason {
  text: string;
  /** The channels are those of an input or output of the graph, or the person wants them to stay. */
  border: boolean;
}

/** Why atoms must stay: `list[of[a]]` for atom a, undefined (the first of the list) for those that can go. */
interface Reasons {
  list: (Reason | undefined)[];
  of: Int32Array;
}

function reasonOf(atom: number, { list, of }: Reasons): Reason | undefined {
  return list[of[atom] ?? 0];
}

function pinnedAtoms(graph: Graph, ties: Ties, classes: Classes, ignore: (initializer: string) => boolean): Reasons {
  const reasons: Reasons = { list: [undefined], of: new Int32Array(classes.atoms.length - 1) };
  const done = new Set<number>();
  const pinAxis = (axis: CarryingAxis, text: string, border: boolean) => {
    if (done.has(axis.base)) return;
    done.add(axis.base);
    const reason = reasons.list.push({ text, border }) - 1;
    for (const atom of classes.along(axis)) if (reasons.of[atom] === 0) reasons.of[atom] = reason;
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
function wholeAxisReason(axis: CarryingAxis, { along, atoms }: Classes): string | undefined {
  const { value, extent } = axis;
  const met = along(axis);
  const first = met[0] ?? 0;
  if ((atoms[first + 1] ?? 0) - (atoms[first] ?? 0) > 1 || met.some((atom) => atom !== first)) return undefined;
  return extent === 1 ? `"${value}" has one channel` : `all ${extent} channels of "${value}" depend on each other`;
}

function pinnedNodes(
  graph: Graph,
  axes: readonly CarryingAxis[],
  classes: Classes,
  made: Uint8Array,
  reasons: Reasons,
): Dependencies['pinned'] {
  const weights = new Map<string, string>();
  if (reasons.list.length === 1) return [];
  for (const axis of axes) {
    if (!axis.source || weights.has(axis.value)) continue;
    const atom = classes.along(axis).find((one) => reasons.of[one] !== 0 && made[one] === 1);
    const reason = atom === undefined ? undefined : reasonOf(atom, reasons)?.text;
    if (reason !== undefined) weights.set(axis.value, reason);
  }
  return graph.nodes.flatMap(({ name, inputs }) => {
    const reason = inputs.map((input) => weights.get(input)).find((found) => found !== undefined);
    return reason === undefined ? [] : [{ node: name, reason }];
  });
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
