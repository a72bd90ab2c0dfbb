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

/** Classes of elements by number, in the order in which their first elements were found. */
export interface Classes {
  /** The class of each element. */
  of: Int32Array;
  count: number;
}

export function numbered(classOf: Int32Array): Classes {
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

/** Where the elements of an axis belong; undefined when none is in a group. */
export function channelsAlong(
  { extent, base }: CarryingAxis,
  classes: Classes,
  groupOf: Int32Array,
  channelOf: Int32Array,
): Pick<AxisChannels, 'group' | 'channel'> | undefined {
  const group = new Int32Array(extent);
  const channel = new Int32Array(extent);
  let some = false;
  for (let index = 0; index < extent; index++) {
    const number = classes.of[base + index] ?? 0;
    group[index] = groupOf[number] ?? -1;
    channel[index] = channelOf[number] ?? 0;
    some ||= group[index] !== -1;
  }
  return some ? { group, channel } : undefined;
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
