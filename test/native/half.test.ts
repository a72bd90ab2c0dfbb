/** float16 and bfloat16 weights, as the bits in a Uint16Array. */

import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import {
  applySurgery,
  createHistory,
  createLeastSquares,
  type DType,
  geometricMedian,
  lamp,
  norms,
  normsOfAll,
  taylor,
} from '../../lib/native.js';
import { HALF_KINDS, nearestHalf, widened } from './half-precision.js';
import { floats, integer, product, randomOf, shape, worstError } from './random.js';

interface Case {
  dtype: DType;
  dims: number[];
  axis: number;
  weight: number[];
  gradient: number[];
  l1: number[];
  l2: number[];
  linf: number[];
  taylor: number[];
  fpgm: number[];
  lamp: number[];
  gram: number[];
}

// By numpy and torch: test/fixtures/native/half.py.
const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/native/half.json', import.meta.url), 'utf8'));

for (const { dtype, dims, axis, ...given } of cases)
  test(`${dtype} [${dims}], axis ${axis}: scores equal those of numpy`, async () => {
    const [weight, gradient] = [Uint16Array.from(given.weight), Uint16Array.from(given.gradient)];
    const worst = (scores: Float64Array, expected: number[]) => worstError(scores, expected, 1e-3);
    for (const kind of ['l1', 'l2', 'linf'] as const)
      for (const scores of [
        await norms(weight, dims, axis, kind, { dtype }),
        ...(await normsOfAll([{ data: weight, dims, axis, dtype }], kind)),
      ])
        expect(worst(scores, given[kind])).toBeLessThan(1e-12);
    expect(worst(await taylor(weight, gradient, dims, axis, { dtype }), given.taylor)).toBeLessThan(1e-10);
    expect(worst(await lamp(weight, dims, axis, { dtype }), given.lamp)).toBeLessThan(1e-12);
    expect(worst(await geometricMedian(weight, dims, axis, { dtype }), given.fpgm)).toBeLessThan(1e-5);
    const history = createHistory(dims, axis);
    await history.record(weight, { dtype });
    expect(worst(history.l1(), given.l1)).toBeLessThan(1e-12);
    // Positions are summed in float, so that the error is of the size of the largest product.
    const most = Math.max(...given.gram);
    expect(worstError(await history.gram(), given.gram, most)).toBeLessThan(1e-6);
  });

test('each of the 65,536 patterns is read as the number that it stands for', async () => {
  const all = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
  for (const dtype of HALF_KINDS) {
    const values = Float64Array.from(all, widened[dtype]);
    const one = new Uint16Array(all.length).fill(dtype === 'float16' ? 0x3c00 : 0x3f80);
    // From 1 on, so that vectors meet every pattern at other places too.
    for (const begin of [0, 1]) {
      const part = all.subarray(begin);
      const dims = [part.length];
      const signed = await taylor(part, one.subarray(begin), dims, 0, { dtype, kind: 'signed' });
      expect(worstError(signed, values.subarray(begin), 1e-300)).toBe(0);
      const rows = await norms(part, [1, part.length], 0, 'linf', { dtype });
      expect(rows[0]).toBeNaN();
    }
    const magnitudes = await norms(all, [65_536], 0, 'l1', { dtype });
    expect(worstError(magnitudes, values.map(Math.abs), 1e-300)).toBe(0);
  }
});

test('long tensors of any shape score as their float32 copies do', async () => {
  const random = randomOf(61);
  const shapes = Array.from({ length: 60 }, () => shape(random, 4000));
  for (const dims of [...shapes, [3, 70_003], [70_003, 3], [300, 70, 9], [40, 300, 3, 3], [7, 5000, 2]]) {
    for (const dtype of HALF_KINDS) {
      const axis = integer(random, 0, dims.length - 1);
      const bits = Uint16Array.from(floats(random, product(dims)), () => integer(random, 0x2000, 0x3fff));
      const wide = Float32Array.from(bits, widened[dtype]);
      for (const kind of ['l1', 'l2', 'linf', 'sumSquares'] as const)
        expect(
          worstError(await norms(bits, dims, axis, kind, { dtype }), await norms(wide, dims, axis, kind)),
        ).toBeLessThan(1e-12);
      expect(worstError(await lamp(bits, dims, axis, { dtype }), await lamp(wide, dims, axis))).toBeLessThan(1e-12);
      if ((dims[axis] ?? 0) > 1000) continue;
      const [narrow, full] = [createHistory(dims, axis), createHistory(dims, axis)];
      await Promise.all([narrow.record(bits, { dtype }), full.record(wide)]);
      expect(await narrow.gram()).toEqual(await full.gram());
      expect(await geometricMedian(bits, dims, axis, { dtype })).toEqual(await geometricMedian(wide, dims, axis));
    }
  }
});

test('merged slices are added in float32 and rounded to nearest, ties to even', async () => {
  const random = randomOf(62);
  for (const dtype of HALF_KINDS) {
    const width = 40_000;
    // Any two patterns; then neighbours in size, of which many sums are ties.
    const near = Uint16Array.from({ length: width }, () => integer(random, 0x2f00, 0x3fff));
    const data = Uint16Array.from([
      ...Array.from({ length: width }, () => integer(random, 0, 0xffff)),
      ...Array.from({ length: width }, () => integer(random, 0, 0xffff)),
      ...near,
      ...near.map((bits) => bits ^ integer(random, 0, 0x1ff)),
    ]);
    const axes = [{ axis: 0, keep: Int32Array.of(1, 2), merge: [[0, 1] as const, [3, 2] as const] }];
    const [sums = data] = await applySurgery([{ data, dims: [4, width], axes, dtype }]);
    const row = (index: number) => data.subarray(index * width, (index + 1) * width);
    for (const [at, [first, second]] of [
      [row(0), row(1)],
      [row(2), row(3)],
    ].entries()) {
      const expected = Array.from(first ?? [], (bits, i) =>
        nearestHalf(dtype, Math.fround(widened[dtype](bits) + widened[dtype](second?.[i] ?? 0))),
      );
      const found = Array.from(sums.subarray(at * width, (at + 1) * width), (bits) => widened[dtype](bits));
      expect(worstError(found, expected.map(widened[dtype]), 1e-300)).toBe(0);
    }
  }
  const half = {
    data: new Uint16Array(4),
    dims: [4],
    axes: [{ axis: 0, keep: Int32Array.of(1), merge: [[0, 1] as const] }],
  };
  await expect(applySurgery([half])).rejects.toThrow('(or a Uint16Array with a dtype)');
  await expect(applySurgery([{ ...half, dtype: 'float32' }])).rejects.toThrow('Float32Array');
});

test('samples in half precision solve as their float32 copies do', async () => {
  const random = randomOf(63);
  for (const dtype of HALF_KINDS) {
    const [x, y] = [1500, 500].map((size) => Uint16Array.from({ length: size }, () => integer(random, 0x3000, 0x3fff)));
    if (x === undefined || y === undefined) continue;
    const wide = (bits: Uint16Array) => Float32Array.from(bits, widened[dtype]);
    const [narrow, full] = [createLeastSquares(15, 5), createLeastSquares(15, 5)];
    await Promise.all([narrow.add(x, y, 100, { dtype }), full.add(wide(x), wide(y), 100)]);
    expect(await narrow.solve(0.1)).toEqual(await full.solve(0.1));
    await expect(narrow.add(x, wide(y), 100, { dtype })).rejects.toThrow('for y but received');
  }
});

test('a dtype and an array that do not go together are refused', async () => {
  const [narrow, wide] = [new Uint16Array(4), new Float32Array(4)];
  await expect(norms(narrow, [4], 0, 'l1')).rejects.toThrow('a Float32Array for tensor but received');
  await expect(norms(wide, [4], 0, 'l1', { dtype: 'float16' })).rejects.toThrow(
    "Expected a Uint16Array (dtype 'float16') for tensor but received",
  );
  await expect(norms(narrow, [4], 0, 'l1', { dtype: 'float32' })).rejects.toThrow(TypeError);
  await expect(lamp(narrow, [4], 0, { dtype: 'float8' as DType })).rejects.toThrow(
    "one of 'float32', 'float16', 'bfloat16' for dtype but received",
  );
  await expect(taylor(narrow, wide, [4], 0, { dtype: 'bfloat16' })).rejects.toThrow('for gradient but received');
  await expect(lamp(narrow, [5], 0, { dtype: 'float16' })).rejects.toThrow('5 elements (the product of dims)');
  const history = createHistory([2, 2], 0);
  await expect(history.record(Uint16Array.of(0x7c00, 0, 0, 0), { dtype: 'float16' })).rejects.toThrow(/channel 0/);
  expect(history.records).toBe(0);
});
