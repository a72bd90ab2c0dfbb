/** Elements of axes as channels of groups: which element belongs to which channel, and what of an axis a group owns. */

import type { AxisRef } from '../ops/operator.js';
import type { CarryingAxis } from './ties.js';

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
  /** The class of each element. */
  of: Int32Array;
  /** The first class of each atom, ascending; atom a holds the classes `atoms[a]` … `atoms[a + 1] − 1`. */
  atoms: readonly number[];
  /** The atoms along an axis, in the order of its elements, as often as they come. */
  along(axis: CarryingAxis): readonly number[];
}

/** @param distinct one axis for each set of elements. */
export function numbered(classOf: Int32Array, distinct: readonly CarryingAxis[]): Classes {
  const { of, count } = numberClasses(classOf);
  const starts = new Uint8Array(count + 1);
  for (const { base, extent } of distinct) {
    const end = base + extent;
    for (let element = base, expected = -1; element < end; element++) {
      const number = of[element] ?? 0;
      if (number !== expected) {
        starts[number] = 1;
        if (expected >= 0) starts[expected] = 1;
      }
      expected = number + 1;
    }
    starts[(of[end - 1] ?? -1) + 1] = 1;
  }
  const atoms: number[] = [];
  const atomAt = new Int32Array(count);
  for (let at = starts.indexOf(1); at >= 0 && at < count; at = starts.indexOf(1, at + 1)) {
    atomAt[at] = atoms.length;
    atoms.push(at);
  }
  atoms.push(count);
  const alongBase = new Map<number, number[]>();
  for (const { base, extent } of distinct) {
    const met: number[] = [];
    for (let element = base; element < base + extent; ) {
      const atom = atomAt[of[element] ?? 0] ?? 0;
      met.push(atom);
      element += (atoms[atom + 1] ?? 0) - (atoms[atom] ?? 0);
    }
    alongBase.set(base, met);
  }
  return { of, atoms, along: ({ base }) => alongBase.get(base) ?? [] };
}

function numberClasses(classOf: Int32Array): { of: Int32Array; count: number } {
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

/** Where the elements of an axis belong; undefined when none is in a group. @param first the channel that an atom begins with */
export function channelsAlong(
  axis: CarryingAxis,
  { along, atoms }: Classes,
  groupOf: Int32Array,
  first: Int32Array,
): Pick<AxisChannels, 'group' | 'channel'> | undefined {
  const met = along(axis);
  if (met.every((atom) => groupOf[atom] === -1)) return undefined;
  const group = new Int32Array(axis.extent);
  const channel = new Int32Array(axis.extent);
  let start = 0;
  for (const atom of met) {
    const end = start + (atoms[atom + 1] ?? 0) - (atoms[atom] ?? 0);
    group.fill(groupOf[atom] ?? -1, start, end);
    const offset = (first[atom] ?? 0) - start;
    for (let index = start; index < end; index++) channel[index] = offset + index;
    start = end;
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
  { group, channel }: Pick<AxisChannels, 'group' | 'channel'>,
): Share[] {
  const counts = new Map<number, number>();
  // Channels of a group mostly lie next to each other.
  for (let index = 0; index < group.length; ) {
    const number = group[index] ?? -1;
    const start = index;
    while (index < group.length && group[index] === number) index++;
    if (number >= 0) counts.set(number, (counts.get(number) ?? 0) + index - start);
  }
  const filling = new Map<number, { share: Share; filled: Int32Array }>();
  for (const [number, count] of counts) {
    const channels = groups[number]?.channels ?? 1;
    const share = { group: number, perChannel: count / channels, indices: new Int32Array(count) };
    filling.set(number, { share, filled: new Int32Array(channels) });
  }
  let into: { share: Share; filled: Int32Array } | undefined;
  for (let index = 0; index < group.length; index++) {
    if (group[index] !== group[index - 1]) into = filling.get(group[index] ?? -1);
    if (!into) continue;
    const { share, filled } = into;
    const own = channel[index] ?? 0;
    const position = filled[own] ?? 0;
    share.indices[own * share.perChannel + position] = index;
    filled[own] = position + 1;
  }
  return [...filling.values()].map(({ share }) => share);
}
