import { expect, test } from '@jest/globals';
import { type AxisCut, applySurgery, type Cut, type Numbers } from '../../lib/native.js';
import { floats, integer, product, type Random, randomOf, shape, subset, worstError } from './random.js';

/** Along one axis: the kept slices, with the merged ones added. */
function cutAxis(values: number[], dims: number[], { axis, keep, merge }: AxisCut): number[] {
  const inner = product(dims.slice(axis + 1));
  const extent = dims[axis] ?? 0;
  const out: number[] = [];
  for (let outer = 0; outer < product(dims.slice(0, axis)); outer++) {
    for (const index of keep) {
      for (let i = 0; i < inner; i++) {
        const at = (slice: number) => values[(outer * extent + slice) * inner + i] ?? Number.NaN;
        let sum = at(index);
        for (const [from, into] of merge ?? []) if (into === index) sum = Math.fround(sum + at(from));
        out.push(sum);
      }
    }
  }
  return out;
}

function reference({ data, dims, axes }: Cut): number[] {
  let values = Array.from(data, Number);
  let now = [...dims];
  for (const axis of axes) {
    values = cutAxis(values, now, axis);
    now = now.with(axis.axis, axis.keep.length);
  }
  return values;
}

const bytesOf = (array: Numbers) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
const sameBits = (a: Numbers | undefined, b: Numbers) => a !== undefined && bytesOf(a).equals(bytesOf(b));

const TYPES = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as const;

function dataOf(random: Random, length: number): Numbers {
  const kind = integer(random, 0, TYPES.length + 1);
  const Type = TYPES[kind];
  if (Type !== undefined) return new Type(length).map(() => integer(random, 0, 120));
  const Big = kind === TYPES.length ? BigInt64Array : BigUint64Array;
  return new Big(length).map(() => BigInt(integer(random, 0, 1000)));
}

function axesOf(random: Random, dims: number[]): AxisCut[] {
  return [...dims.keys()]
    .filter(() => random() < 0.5)
    .sort(() => random() - 0.5)
    .map((axis) => ({ axis, keep: subset(random, dims[axis] ?? 0) }));
}

function mergesOf(random: Random, keep: Int32Array, extent: number): [number, number][] {
  const removed = Array.from({ length: extent }, (_, i) => i).filter((i) => !keep.includes(i));
  if (keep.length === 0) return [];
  return removed.filter(() => random() < 0.5).map((from) => [from, keep[integer(random, 0, keep.length - 1)] ?? 0]);
}

test('cuts along any axes agree with a plain loop, 3000 tensors of all types in 100 calls', async () => {
  const random = randomOf(11);
  for (let i = 0; i < 100; i++) {
    const cuts = Array.from({ length: 30 }, (): Cut => {
      const dims = shape(random, 300);
      return { data: dataOf(random, product(dims)), dims, axes: axesOf(random, dims) };
    });
    const results = await applySurgery(cuts);
    for (const [c, cut] of cuts.entries()) {
      expect(results[c]?.constructor).toBe(cut.data.constructor);
      expect(worstError(Array.from(results[c] ?? [], Number), reference(cut))).toBe(0);
    }
  }
});

test('merges agree with a plain loop, along several axes at once', async () => {
  const random = randomOf(12);
  for (let i = 0; i < 300; i++) {
    const dims = shape(random, 1500);
    const data = floats(random, product(dims));
    const axes = axesOf(random, dims).map((cut) => ({
      ...cut,
      merge: mergesOf(random, cut.keep, dims[cut.axis] ?? 0),
    }));
    for (const tensor of [data, Float64Array.from(data)]) {
      const [result] = await applySurgery([{ data: tensor, dims, axes }]);
      expect(worstError(result ?? [], reference({ data: tensor, dims, axes }))).toBeLessThan(1e-5);
    }
  }
});

test('long blocks, short blocks and a convolution cut both ways', async () => {
  const random = randomOf(13);
  for (const dims of [
    [40, 30, 3, 3],
    [40, 1500],
    [9, 3, 700],
    [20, 50, 5, 5],
    [4, 9000],
    [70_001],
    [30_001, 2],
    [600, 48],
    [200, 1, 3, 3],
    [3, 300_001],
  ]) {
    const data = floats(random, product(dims));
    const axes = dims.slice(0, 2).map((extent, axis) => ({ axis, keep: subset(random, extent) }));
    const sorted = axes.map(({ axis, keep }) => ({ axis, keep: keep.toSorted() }));
    for (const chosen of [axes, sorted, axes.slice(0, 1), axes.slice(1), []]) {
      const [result] = await applySurgery([{ data, dims, axes: chosen }]);
      expect(sameBits(result, Float32Array.from(reference({ data, dims, axes: chosen })))).toBe(true);
    }
  }
  expect(await applySurgery([])).toEqual([]);
});

/** One axis, quickly enough for large tensors. */
function copied(data: Float32Array | Uint8Array, dims: number[], axis: number, keep: Int32Array) {
  const [extent, inner] = [dims[axis] ?? 0, product(dims.slice(axis + 1))];
  const out = data.slice(0, (data.length / extent) * keep.length);
  let at = 0;
  for (let outer = 0; outer < data.length; outer += extent * inner) {
    for (const index of keep) {
      const from = outer + index * inner;
      for (let i = from; i < from + inner; i++) out[at++] = data[i] ?? 0;
    }
  }
  return out;
}

const everyOther = (i: number) => i % 2 === Math.floor(i / 7) % 2;

test.each([
  ['long runs', [2200, 2051], 0, (i: number) => i % 1000 !== 999],
  ['long runs within rows', [2200, 2051], 1, (i: number) => i % 1000 !== 999],
  ['single slices', [1000, 1001, 9], 1, everyOther],
  ['short runs', [180, 60, 900], 1, everyOther],
  ['single elements', [2200, 4003], 1, everyOther],
  ['single elements of short rows', [200_000, 49], 1, everyOther],
  ['few elements', [2100, 24_001], 1, (i: number) => i % 11 === 5],
])('results that are larger than the caches: %s', async (_, dims, axis, stays) => {
  const keep = Int32Array.from({ length: dims[axis] ?? 0 }, (_, i) => i).filter(stays);
  const floats32 = new Float32Array(product(dims)).map((_, i) => i);
  const longer = dims.with(0, 4 * (dims[0] ?? 0));
  const bytes = new Uint8Array(product(longer)).map((_, i) => i * 7 + (i >> 8));
  for (const data of [floats32, bytes]) {
    const cut: Cut = { data, dims: data === bytes ? longer : dims, axes: [{ axis, keep }] };
    if (data === bytes && axis === 0) continue;
    const expected = copied(data, [...cut.dims], axis, keep);
    expect(expected.byteLength).toBeGreaterThan(16 * 1024 * 1024);
    const room = data.slice(0, expected.length + 80).fill(7);
    const inside = room.subarray(33, 33 + expected.length);
    for (const out of [undefined, inside]) {
      const [result] = await applySurgery([{ ...cut, out }]);
      expect(sameBits(result, expected)).toBe(true);
    }
    const around = [...room.subarray(0, 33), ...room.subarray(33 + expected.length)];
    expect(around.every((value) => value === 7)).toBe(true);
  }
});

test('a result goes where the caller has room for it, and nowhere else', async () => {
  const random = randomOf(14);
  for (let i = 0; i < 200; i++) {
    const dims = shape(random, 900);
    const data = floats(random, product(dims));
    const axes = axesOf(random, dims).map((cut) => ({
      ...cut,
      merge: random() < 0.3 ? mergesOf(random, cut.keep, dims[cut.axis] ?? 0) : undefined,
    }));
    const [expected = new Float32Array(0)] = await applySurgery([{ data, dims, axes }]);
    const room = new Float32Array(expected.length + 40).fill(7);
    const out = room.subarray(20, 20 + expected.length);
    const [result] = await applySurgery([{ data, dims, axes, out }]);
    expect(result).toBe(out);
    expect(sameBits(out, expected)).toBe(true);
    const around = [...room.subarray(0, 20), ...room.subarray(20 + expected.length)];
    expect(around.every((value) => value === 7)).toBe(true);
  }
});

test('room for a result is of the same type, of its length, and shared with nothing', async () => {
  const room = new Float32Array(64);
  const data = room.subarray(0, 6);
  const cut = { data, dims: [2, 3], axes: [{ axis: 1, keep: Int32Array.of(2) }] };
  const at = (from: number) => ({ ...cut, out: room.subarray(from, from + 2) });
  const message = 'Expected memory of its own for';
  await expect(applySurgery([at(5)])).rejects.toThrow(`${message} cuts[0].out but received some of cuts[0].data`);
  await expect(applySurgery([at(0)])).rejects.toThrow(message);
  await expect(applySurgery([cut, at(20), at(21)])).rejects.toThrow(
    `${message} cuts[1].out but received some of cuts[2].out`,
  );
  await expect(applySurgery([at(6), at(8), cut])).resolves.toHaveLength(3);
  const wrong = (out: Numbers) => applySurgery([{ ...cut, out } as Cut]);
  await expect(wrong(new Float32Array(3))).rejects.toThrow('Expected 2 elements (what is kept) for cuts[0].out');
  await expect(wrong(new Int32Array(2))).rejects.toThrow('Expected a Float32Array for cuts[0].out but received');
  await expect(wrong(new Float32Array(new SharedArrayBuffer(8)))).rejects.toThrow(TypeError);
});

test('what cannot be cut is refused by name', async () => {
  const data = new Float32Array(6);
  const cut = (axes: unknown, dims: unknown = [2, 3], values: unknown = data) =>
    applySurgery([{ data: values, dims, axes } as Cut]);
  const keep = Int32Array.of(0, 1);
  await expect(cut([{ axis: 1, keep: Int32Array.of(0, 3) }])).rejects.toThrow(
    'Expected an index from 0 to 2 for cuts[0].axes[0].keep[1] but received 3',
  );
  await expect(cut([{ axis: 1, keep: Int32Array.of(-1) }])).rejects.toThrow(RangeError);
  await expect(cut([{ axis: 1, keep: Int32Array.of(2, 2) }])).rejects.toThrow('every index once');
  await expect(cut([{ axis: 1, keep: [0] }])).rejects.toThrow(
    'an Int32Array for cuts[0].axes[0].keep but received an array',
  );
  await expect(cut([{ axis: 2, keep }])).rejects.toThrow('cuts[0].axes[0].axis');
  await expect(
    cut([
      { axis: 0, keep },
      { axis: 0, keep },
    ]),
  ).rejects.toThrow('every axis once');
  await expect(cut([], [2, 4])).rejects.toThrow('8 elements (the product of dims) for cuts[0].data but received 6');
  await expect(cut([], [2 ** 30, 2 ** 30])).rejects.toThrow('2^53');
  await expect(cut([{ axis: 1, keep, merge: [[0, 1]] }])).rejects.toThrow('an index that is removed');
  await expect(cut([{ axis: 1, keep, merge: [[2, 2]] }])).rejects.toThrow('an index that is kept');
  await expect(cut([{ axis: 1, keep, merge: [[2]] }])).rejects.toThrow('a pair [from, into]');
  await expect(cut([{ axis: 1, keep, merge: [[2, 0]] }], [2, 3], new Uint16Array(6))).rejects.toThrow(TypeError);
  await expect(cut([], [6], new DataView(new ArrayBuffer(6)))).rejects.toThrow(TypeError);
});
