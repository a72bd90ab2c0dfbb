/** Elements of axes as channels of groups: which element belongs to which channel, and what of an axis a group owns. */

import type { AxisRef } from '../ops/operator.js';
import type { CarryingAxis } from './carrying.js';
import { consecutive } from './consecutive.js';
import type { Ties } from './ties.js';

/** Where each element of a carrying axis belongs. */
export interface AxisChannels extends AxisRef {
  extent: number;
  /** The group of each element, −1 where it is in none. */
  group: Int32Array;
  /** The channel within the group. */
  channel: Int32Array;
}

/**
 * Classes of elements by number, in the order in which their first elements were found, and *atoms*: stretches of
 * consecutive classes that no axis takes apart. What is true of one class of an atom is true of all, so that most is found
 * out once for hundreds of channels.
 */
export interface Classes {
  /** The first class of each atom, ascending; atom a holds the classes `atoms[a]` … `atoms[a + 1] − 1`. */
  atoms: readonly number[];
  /** The atoms along an axis, in the order of its elements, as often as they come. */
  along(axis: CarryingAxis): readonly number[];
}

/** @param distinct one axis for each set of elements, by ascending base. */
export function numbered(
  { classOf, tied }: Pick<Ties, 'classOf' | 'tied'>,
  distinct: readonly CarryingAxis[],
): Classes {
  const elements = distinct.reduce((most, { base, extent }) => Math.max(most, base + extent), 0);
  // Numbers of the classes of tied elements, by representative, one too high: 0 is none.
  const numbers = new Int32Array(elements);
  const starts = new Uint8Array(elements + 1);
  const classes = new Map<number, Int32Array>();
  const firsts = new Map<number, number>();
  let count = 0;
  for (const { base, extent } of distinct) {
    if (extent === 0) continue;
    if (!tied.has(base)) {
      firsts.set(base, count);
      starts[count] = 1;
      count += extent;
      starts[count] = 1;
      continue;
    }
    const of = new Int32Array(extent);
    for (let index = 0; index < extent; index++) {
      const representative = classOf(base + index);
      const known = numbers[representative] ?? 0;
      if (known === 0) numbers[representative] = ++count;
      of[index] = known === 0 ? count - 1 : known - 1;
    }
    classes.set(base, of);
  }
  for (const of of classes.values()) markBreaks(of, starts);
  const atoms: number[] = [];
  const atomAt = new Int32Array(count);
  for (let at = starts.indexOf(1); at >= 0 && at < count; at = starts.indexOf(1, at + 1)) {
    atomAt[at] = atoms.length;
    atoms.push(at);
  }
  atoms.push(count);
  const alongBase = new Map<number, number[]>();
  for (const [base, first] of firsts) alongBase.set(base, [atomAt[first] ?? 0]);
  for (const [base, of] of classes) {
    const met: number[] = [];
    for (let index = 0; index < of.length; ) {
      const atom = atomAt[of[index] ?? 0] ?? 0;
      met.push(atom);
      index += (atoms[atom + 1] ?? 0) - (atoms[atom] ?? 0);
    }
    alongBase.set(base, met);
  }
  return { atoms, along: ({ base }) => alongBase.get(base) ?? [] };
}

/** Marks the classes with which a stretch begins, and those behind its end. @param of classes in the order of an axis. */
function markBreaks(of: Int32Array, starts: Uint8Array): void {
  let expected = -1;
  for (let index = 0; index < of.length; index++) {
    const number = of[index] ?? 0;
    if (number !== expected) {
      starts[number] = 1;
      if (expected >= 0) starts[expected] = 1;
    }
    expected = number + 1;
  }
  if (expected >= 0) starts[expected] = 1;
}

/** The atoms, and where each belongs. */
export interface Belonging extends Classes {
  /** The group of each atom, −1 where it is in none. */
  groupOf: Int32Array;
  /** The channel of its group that each atom begins with. */
  firstChannel: Int32Array;
}

/** Where the elements of an axis belong; undefined when none is in a group. */
export function channelsAlong(
  axis: CarryingAxis,
  { along, atoms, groupOf, firstChannel }: Belonging,
): Pick<AxisChannels, 'group' | 'channel'> | undefined {
  const met = along(axis);
  if (met.every((atom) => groupOf[atom] === -1)) return undefined;
  const group = new Int32Array(axis.extent);
  const channel = new Int32Array(axis.extent);
  let start = 0;
  for (const atom of met) {
    const length = (atoms[atom + 1] ?? 0) - (atoms[atom] ?? 0);
    group.fill(groupOf[atom] ?? -1, start, start + length);
    if (length === 1) channel[start] = firstChannel[atom] ?? 0;
    else channel.set(consecutive(length, firstChannel[atom]), start);
    start += length;
  }
  return { group, channel };
}

/** What one group owns of an axis. */
export interface Share {
  group: number;
  perChannel: number;
  indices: Int32Array;
}

export function sharesOf(
  groups: readonly { channels: number }[],
  axis: CarryingAxis,
  { along, atoms, groupOf, firstChannel }: Belonging,
): Share[] {
  const met = along(axis);
  const lengthOf = (atom: number) => (atoms[atom + 1] ?? 0) - (atoms[atom] ?? 0);
  const counts = new Map<number, number>();
  for (const atom of met) {
    const group = groupOf[atom] ?? -1;
    if (group >= 0) counts.set(group, (counts.get(group) ?? 0) + lengthOf(atom));
  }
  const shares = new Map<number, { share: Share; filled: Int32Array }>();
  for (const [group, count] of counts) {
    const channels = groups[group]?.channels ?? 1;
    const share = { group, perChannel: count / channels, indices: new Int32Array(count) };
    shares.set(group, { share, filled: new Int32Array(channels) });
  }
  let start = 0;
  for (const atom of met) {
    const length = lengthOf(atom);
    const found = shares.get(groupOf[atom] ?? -1);
    if (found) {
      const { filled, share } = found;
      const { indices, perChannel } = share;
      const first = firstChannel[atom] ?? 0;
      if (perChannel === 1 && length > 1) indices.set(consecutive(length, start), first);
      else
        for (let offset = 0; offset < length; offset++) {
          const channel = first + offset;
          const position = filled[channel] ?? 0;
          indices[channel * perChannel + position] = start + offset;
          filled[channel] = position + 1;
        }
    }
    start += length;
  }
  return [...shares.values()].map(({ share }) => share);
}
