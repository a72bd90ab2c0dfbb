/** What a removal of channels takes out of every tensor, worked out before anything is touched. */

import { describe, requireArray, requireIndex, requireInteger, requireObject, requireOwnMemory } from './check.js';
import type { AxisCut } from './surgery.js';

/**
 * An axis of a tensor along which channels of a group lie: element e of channel c at the index
 * offset + c · channelStride + e · elementStride.
 */
export interface ChannelMember {
  /** The tensor's name. */
  tensor: string;
  axis: number;
  /** Where the channels begin, for those behind a Concat; 0 when left out. */
  offset?: number | undefined;
  /** Elements of each channel: height · width in a dense layer behind a Flatten; 1 when left out. */
  perChannel?: number | undefined;
  /** From one channel to the next. `perChannel` when left out (NCHW, flattened); 1 where channels come last (NHWC). */
  channelStride?: number | undefined;
  /** From one element of a channel to the next. 1 when left out (NCHW); the number of channels in NHWC. */
  elementStride?: number | undefined;
  /** This tensor reads the channels: what `merge` says is added up here. False when left out. */
  reads?: boolean | undefined;
}

/** Channels of several tensors that live and die together. */
export interface ChannelGroup {
  channels: number;
  /** The channels to take out, in any order, each at most once. */
  remove: readonly number[] | Int32Array;
  /** Pairs [from, into]: in members that read, the slices of `from`, which is removed, are added onto those of `into`. */
  merge?: readonly (readonly [from: number, into: number])[] | undefined;
  members: readonly ChannelMember[];
}

/** One tensor's part: with its `data` added it is a `Cut` for `applySurgery`. */
export interface PlannedCut {
  tensor: string;
  dims: readonly number[];
  axes: readonly AxisCut[];
  /** The shape of the result. */
  dimsAfter: readonly number[];
}

/** What goes along one axis, while groups are read. */
interface Axis {
  /** Per index: 0 free, 1 of a group and stays, 2 goes. */
  readonly state: Uint8Array;
  readonly merge: [number, number][];
}

const STAYS = 1;
const GOES = 2;

/**
 * Plans a removal of channels over many tensors: the indices of dense layers behind a Flatten and of parts of a Concat are
 * written out, and groups that meet on an axis are joined. No weights are needed.
 *
 * ```js
 * const plan = planSurgery({ conv: [8, 3, 3, 3], bias: [8], dense: [10, 8 * 49] }, [{
 *   channels: 8,
 *   remove: [2, 5],
 *   members: [
 *     { tensor: 'conv', axis: 0 },
 *     { tensor: 'bias', axis: 0 },
 *     { tensor: 'dense', axis: 1, perChannel: 49, reads: true },
 *   ],
 * }]);
 * const cut = await applySurgery(plan.map((part) => ({ ...part, data: weights[part.tensor] })));
 * ```
 *
 * @param tensors the shape of every tensor by its name
 * @returns the tensors that change, in the order of `tensors`
 * @throws TypeError, RangeError naming what is wrong, such as `groups[1].members[0].axis`: an index out of range, one that
 * belongs to two groups, an axis that would lose all its indices
 */
export function planSurgery(
  tensors: Readonly<Record<string, readonly number[]>>,
  groups: readonly ChannelGroup[],
): PlannedCut[] {
  requireObject(tensors, 'tensors');
  requireArray(groups, 'groups');
  const shapes = new Map(Object.entries(tensors));
  for (const [name, dims] of shapes) checkDims(dims, `tensors.${name}`);
  const axes = new Map<string, Map<number, Axis>>();
  for (const [g, group] of groups.entries()) readGroup(group, `groups[${g}]`, shapes, axes);
  return [...shapes].flatMap(([tensor, dims]) => {
    const cuts = [...(axes.get(tensor) ?? [])].flatMap(([axis, lost]) => cutOf(tensor, axis, lost));
    if (cuts.length === 0) return [];
    const after = [...dims];
    for (const { axis, keep } of cuts) after[axis] = keep.length;
    return [{ tensor, dims: [...dims], axes: cuts, dimsAfter: after }];
  });
}

const MOST_EXTENT = 2 ** 31 - 1;
const MOST_DIMS = 16;
/** Channels, and indices along an axis that is cut: a plan says of each whether it stays. */
const MOST_PLANNED = 2 ** 27;
/** Pairs that are written out along an axis. */
const MOST_MERGES = 2 ** 22;

/** As the addon checks them. */
function checkDims(dims: unknown, name: string): void {
  requireArray(dims, name);
  if (dims.length === 0 || dims.length > MOST_DIMS)
    throw new RangeError(`Expected 1 to ${MOST_DIMS} extents for ${name} but received ${dims.length}`);
  let elements = 1;
  for (const [i, extent] of dims.entries()) {
    requireInteger(extent, `${name}[${i}]`, 0, MOST_EXTENT);
    elements *= Math.max(1, extent);
    if (elements > Number.MAX_SAFE_INTEGER)
      throw new RangeError(`Expected a product of extents below 2^53 for ${name} but received more than that`);
  }
}

function readGroup(
  group: unknown,
  name: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  axes: Map<string, Map<number, Axis>>,
): void {
  requireObject(group, name);
  const { channels, remove, merge = [], members } = group as { [key in keyof ChannelGroup]?: unknown };
  requireInteger(channels, `${name}.channels`, 0, MOST_PLANNED);
  const gone = removedOf(remove, `${name}.remove`, channels);
  const pairs = mergesOf(merge, `${name}.merge`, gone);
  requireArray(members, `${name}.members`);
  for (const [m, member] of members.entries()) {
    const at = `${name}.members[${m}]`;
    requireObject(member, at);
    const { tensor, axis, reads } = member as { [key in keyof ChannelMember]?: unknown };
    const dims = typeof tensor === 'string' ? shapes.get(tensor) : undefined;
    if (typeof tensor !== 'string' || dims === undefined)
      throw new RangeError(`Expected the name of one of tensors for ${at}.tensor but received ${describe(tensor)}`);
    requireIndex(axis, `${at}.axis`, dims.length);
    const own = axes.get(tensor) ?? new Map<number, Axis>();
    axes.set(tensor, own);
    const extent = dims[axis] ?? 0;
    requireInteger(extent, `tensors.${tensor}[${axis}], an axis that is cut`, 0, MOST_PLANNED);
    const state = own.get(axis) ?? { state: new Uint8Array(extent), merge: [] };
    own.set(axis, state);
    markMember(member, at, gone, reads === true ? pairs : [], state);
  }
}

/** Per channel 1 where it goes. */
function removedOf(remove: unknown, name: string, channels: number): Uint8Array {
  const gone = new Uint8Array(channels);
  for (const [i, channel] of indexListOf(remove, name).entries()) {
    requireIndex(channel, `${name}[${i}]`, channels);
    if (gone[channel] === 1)
      throw new RangeError(`Expected every channel once for ${name}[${i}] but received ${channel} again`);
    gone[channel] = 1;
  }
  return gone;
}

function indexListOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (!ArrayBuffer.isView(value) || !('length' in value))
    throw new TypeError(`Expected an array or an Int32Array for ${name} but received ${describe(value)}`);
  requireOwnMemory(value, name);
  return Array.from(value as unknown as ArrayLike<unknown>);
}

function mergesOf(merge: unknown, name: string, gone: Uint8Array): [number, number][] {
  requireArray(merge, name);
  // Array.from, since map would leave holes out.
  return Array.from(merge, (pair, i): [number, number] => {
    const at = `${name}[${i}]`;
    requireArray(pair, at);
    const [from, into] = pair;
    requireIndex(from, `${at}[0]`, gone.length);
    requireIndex(into, `${at}[1]`, gone.length);
    if (gone[from] !== 1) throw new RangeError(`Expected a channel that is removed for ${at}[0] but received ${from}`);
    if (gone[into] === 1) throw new RangeError(`Expected a channel that stays for ${at}[1] but received ${into}`);
    return [from, into];
  });
}

function markMember(member: object, at: string, gone: Uint8Array, pairs: [number, number][], axis: Axis): void {
  const given = member as { [key in keyof ChannelMember]?: unknown };
  const number = (key: 'offset' | 'perChannel' | 'channelStride' | 'elementStride', otherwise: number) => {
    const value = given[key] ?? otherwise;
    requireInteger(value, `${at}.${key}`, key === 'offset' ? 0 : 1, MOST_EXTENT);
    return value;
  };
  const offset = number('offset', 0);
  const perChannel = number('perChannel', 1);
  const channelStride = number('channelStride', perChannel);
  const elementStride = number('elementStride', 1);
  const extent = axis.state.length;
  const last = offset + (gone.length - 1) * channelStride + (perChannel - 1) * elementStride;
  if (gone.length > 0 && last >= extent)
    throw new RangeError(`Expected channels within ${extent} indices for ${at} but received some up to index ${last}`);
  const indexOf = (channel: number, element: number) => offset + channel * channelStride + element * elementStride;
  for (const [channel, goes] of gone.entries()) {
    for (let element = 0; element < perChannel; element++) {
      const index = indexOf(channel, element);
      if (axis.state[index] !== 0)
        throw new RangeError(`Expected indices of their own for ${at} but index ${index} belongs to two channels`);
      axis.state[index] = goes === 1 ? GOES : STAYS;
    }
  }
  if (axis.merge.length + pairs.length * perChannel > MOST_MERGES)
    throw new RangeError(
      `Expected at most ${MOST_MERGES} merged slices for ${at} but its ${pairs.length} pairs make ${pairs.length * perChannel}`,
    );
  for (const [from, into] of pairs)
    for (let element = 0; element < perChannel; element++)
      axis.merge.push([indexOf(from, element), indexOf(into, element)]);
}

/** Nothing where all indices stay. */
function cutOf(tensor: string, axis: number, { state, merge }: Axis): AxisCut[] {
  let stays = 0;
  for (const each of state) if (each !== GOES) stays++;
  if (stays === state.length) return [];
  const keep = new Int32Array(stays);
  let kept = 0;
  for (let index = 0; index < state.length; index++) if (state[index] !== GOES) keep[kept++] = index;
  if (keep.length === 0)
    throw new RangeError(`Expected an index to stay along axis ${axis} of ${tensor} but none would`);
  return [merge.length === 0 ? { axis, keep } : { axis, keep, merge }];
}
