/**
 * Values in one of two orders. Keras has the channels last (N, H, W, C), ONNX has them first (N, C, H, W): a value stays in
 * the order in which it was made, and is brought into the other one where a layer needs that, once.
 */

import { TascnetError } from '../../errors.js';
import type { Dim } from '../../graph/graph.js';
import { int64 } from '../../graph/tensor.js';
import type { Sketch } from './sketch.js';

/**
 * `keras`: as Keras has it. `channelsFirst`: its last axis is the second one. `flattened`: a map that was flattened with its
 * channels first.
 */
export type Order = 'keras' | 'channelsFirst' | 'flattened';

export interface Value {
  name: string;
  order: Order;
  /** Of a flattened one: channels, then the other extents. */
  map?: readonly number[];
  /** Keras keeps a mask of which positions are padding with it. */
  masked?: boolean;
}

/** The value's axes in Keras's order. */
export function dimsOf(sketch: Sketch, { name, order }: Value): Dim[] {
  const dims = [...sketch.dims(name)];
  const [batch, channels, ...spatial] = dims;
  return order === 'channelsFirst' && batch !== undefined && channels !== undefined
    ? [batch, ...spatial, channels]
    : dims;
}

export function rankOf(sketch: Sketch, { name }: Value): number {
  return sketch.dims(name).length;
}

/** Where an axis of Keras lies in a value of this order. */
export function axisIn(order: Order, axis: number, rank: number): number {
  if (order !== 'channelsFirst' || axis === 0) return axis;
  return axis === rank - 1 ? 1 : axis + 1;
}

/** An axis counted from the front. */
export function normalAxis(axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (normal >= 0 && normal < rank) return normal;
  throw new TascnetError(`the axis ${axis} is outside a tensor of ${rank} axes.`);
}

const range = (rank: number) => Array.from({ length: rank }, (_, axis) => axis);

/** Orders that were made before, by the value and the order, in one sketch. */
const made = new WeakMap<Sketch, Map<string, Value>>();

function once(sketch: Sketch, value: Value, order: Order, make: () => Value): Value {
  const known = made.get(sketch) ?? new Map<string, Value>();
  made.set(sketch, known);
  const key = `${order} ${value.name}`;
  const other = known.get(key) ?? make();
  known.set(key, other).set(`${value.order} ${other.name}`, value);
  return { ...other, ...(value.masked ? { masked: true } : {}) };
}

export function inKerasOrder(sketch: Sketch, value: Value): Value {
  const rank = rankOf(sketch, value);
  if (value.order === 'keras') return value;
  if (value.order === 'flattened')
    return once(sketch, value, 'keras', () => {
      const [channels = 1, ...spatial] = value.map ?? [];
      const target = [0, channels, ...spatial];
      const shape = sketch.weight(`${value.name}/map_shape`, () => int64([target.length], target));
      const map = sketch.add('Reshape', [value.name, shape], `${value.name}/map`);
      const last = inKerasOrder(sketch, { name: map, order: 'channelsFirst' });
      return { name: sketch.add('Flatten', [last.name], `${value.name}/flat`, { axis: 1 }), order: 'keras' };
    });
  if (rank <= 2) return { ...value, order: 'keras' };
  return once(sketch, value, 'keras', () => {
    const perm = [0, ...range(rank).slice(2), 1];
    return { name: sketch.add('Transpose', [value.name], `${value.name}/channels_last`, { perm }), order: 'keras' };
  });
}

/** Values of up to two axes are in both orders. */
export function withChannelsFirst(sketch: Sketch, value: Value): Value {
  const rank = rankOf(sketch, value);
  if (value.order === 'flattened') return inKerasOrder(sketch, value);
  if (value.order === 'channelsFirst' || rank <= 2) return value;
  return once(sketch, value, 'channelsFirst', () => {
    const perm = [0, rank - 1, ...range(rank - 1).slice(1)];
    const name = sketch.add('Transpose', [value.name], `${value.name}/channels_first`, { perm });
    return { name, order: 'channelsFirst' };
  });
}

/** Values that are computed with each other, in one order: that of all of them, else with the channels first. */
export function inOneOrder(sketch: Sketch, values: readonly Value[]): Value[] {
  const [first] = values;
  const alike = values.every(({ order, map }) => order === first?.order && map?.join() === first.map?.join());
  return alike ? [...values] : values.map((value) => withChannelsFirst(sketch, value));
}
