import { expect, test } from '@jest/globals';
import {
  batchNormScale,
  cosinePairs,
  createHistory,
  geometricMedian,
  History,
  lamp,
  type NormKind,
  norms,
  rankChannels,
  taylor,
} from '../../lib/native.js';
import { channelsOf, floats, integer, product, randomOf, shape, subset, worstError } from './random.js';

const REFERENCE: Record<NormKind, (values: number[]) => number> = {
  l1: (values) => values.reduce((sum, v) => sum + Math.abs(v), 0),
  sumSquares: (values) => values.reduce((sum, v) => sum + v * v, 0),
  l2: (values) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0)),
  linf: (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0),
};
const KINDS = Object.keys(REFERENCE) as NormKind[];

const dot = (a: number[], b: number[]) => a.reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0);

test('norms agree with a plain loop on 2400 random shapes and axes', async () => {
  const random = randomOf(1);
  const cases = Array.from({ length: 600 }, async () => {
    const dims = shape(random);
    const axis = integer(random, 0, dims.length - 1);
    const tensor = floats(random, product(dims));
    for (const kind of KINDS) {
      const expected = channelsOf(tensor, dims, axis).map(REFERENCE[kind]);
      expect(worstError(await norms(tensor, dims, axis, kind), expected)).toBeLessThan(1e-12);
    }
  });
  await Promise.all(cases);
});

test('norms of long runs, many outer rows and a view into a larger buffer', async () => {
  const random = randomOf(2);
  for (const [dims, axis] of [
    [[3, 70_003], 0],
    [[70_003, 3], 1],
    [[201, 7, 19], 1],
    [[70_001], 0],
  ] as const) {
    const buffer = floats(random, product(dims) + 5);
    const tensor = buffer.subarray(3, 3 + product(dims));
    for (const kind of KINDS) {
      const expected = channelsOf(tensor, dims, axis).map(REFERENCE[kind]);
      expect(worstError(await norms(tensor, dims, axis, kind), expected)).toBeLessThan(1e-12);
    }
  }
});

test('NaN and Infinity reach the scores of their channels, and no other', async () => {
  for (const [dims, axis] of [
    [[2, 40], 0],
    [[40, 2], 1],
    [[5, 2, 33], 1],
  ] as const) {
    const count = product(dims);
    const channel = (i: number) => Math.floor(i / product(dims.slice(axis + 1))) % 2;
    const at = Array.from({ length: count }, (_, i) => i).filter((i) => channel(i) === 1)[17] ?? 0;
    for (const kind of KINDS) {
      const tensor = new Float32Array(count).fill(-0.5);
      tensor[at] = Number.NaN;
      const [first, second] = await norms(tensor, dims, axis, kind);
      expect(first).toBeGreaterThan(0);
      expect(second).toBeNaN();
      tensor[at] = Number.NEGATIVE_INFINITY;
      expect((await norms(tensor, dims, axis, kind))[1]).toBe(Number.POSITIVE_INFINITY);
    }
  }
  // Squares beyond float32.
  expect((await norms(Float32Array.of(1e30, 1e-30), [2], 0, 'l2'))[0]).toBeCloseTo(1e30, -24);
});

test('Taylor, batch-norm and FPGM scores agree with plain loops', async () => {
  const random = randomOf(3);
  for (let i = 0; i < 400; i++) {
    const dims = shape(random, 2000);
    const axis = integer(random, 0, dims.length - 1);
    const [weight, gradient] = [floats(random, product(dims)), floats(random, product(dims))];
    const [w, g] = [channelsOf(weight, dims, axis), channelsOf(gradient, dims, axis)];
    const sums = w.map((values, c) => dot(values, g[c] ?? []));
    expect(worstError(await taylor(weight, gradient, dims, axis, { kind: 'signed' }), sums)).toBeLessThan(1e-12);
    expect(
      worstError(await taylor(weight, gradient, dims, axis, { kind: 'absolute' }), sums.map(Math.abs)),
    ).toBeLessThan(1e-12);
    expect(
      worstError(
        await taylor(weight, gradient, dims, axis),
        sums.map((s) => s * s),
      ),
    ).toBeLessThan(1e-11);
    const distances = w.map((a) => w.reduce((sum, b) => sum + Math.hypot(...a.map((v, k) => v - (b[k] ?? 0))), 0));
    expect(worstError(await geometricMedian(weight, dims, axis), distances)).toBeLessThan(1e-5);
  }
  expect([...(await batchNormScale(Float32Array.of(-2, 0, 3)))]).toEqual([2, 0, 3]);
});

test('LAMP scores agree with the sums of the paper, written out', async () => {
  const random = randomOf(31);
  for (let i = 0; i < 300; i++) {
    const dims = shape(random, 2000);
    const axis = integer(random, 0, dims.length - 1);
    // Few different values, so that channels tie.
    const tensor = floats(random, product(dims)).map((value) => Math.round(value * 2));
    const squares = channelsOf(tensor, dims, axis).map(REFERENCE.sumSquares);
    const expected = squares.map((own, c) => {
      const larger = squares.filter((other, d) => other > own || (other === own && d >= c));
      return own === 0 && larger.every((other) => other === 0) ? 0 : own / larger.reduce((a, b) => a + b, 0);
    });
    expect(worstError(await lamp(tensor, dims, axis), expected)).toBeLessThan(1e-12);
  }
  expect([...(await lamp(Float32Array.of(1, Number.NaN, 2), [3], 0))]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
});

test('identical filters have distance 0, and FPGM finds the middle one', async () => {
  const tensor = Float32Array.from([0, 0, 0, 5, 5, 5, 5, 5, 5, 11, 11, 11]);
  const scores = await geometricMedian(tensor, [4, 3], 0);
  expect(scores[1]).toBe(scores[2]);
  expect([...(await rankChannels(scores, 2))]).toEqual([1, 2]);
});

test('histories agree with stored ones, also after cuts in their middle', async () => {
  const random = randomOf(4);
  for (let i = 0; i < 150; i++) {
    const dims = shape(random, 3000).map((dim) => Math.max(1, dim));
    const axis = integer(random, 0, dims.length - 1);
    const history = createHistory(dims, axis);
    let stored: number[][] = Array.from({ length: dims[axis] ?? 0 }, () => []);
    let shapeNow: number[] = [...dims];
    for (let epoch = 0; epoch < 4; epoch++) {
      const weights = floats(random, product(shapeNow));
      for (const [c, values] of channelsOf(weights, shapeNow, axis).entries()) stored[c]?.push(...values);
      await history.record(weights, { dims: shapeNow });
      if (epoch === 1) {
        const keep = subset(random, shapeNow[axis] ?? 0);
        stored = Array.from(keep, (index) => stored[index] ?? []);
        await history.keep(keep);
        shapeNow = shapeNow.with(axis, keep.length).map((dim, a) => (a === axis ? dim : Math.max(1, dim - 1)));
      }
    }
    expect(history.records).toBe(4);
    expect(worstError(history.l1(), stored.map(REFERENCE.l1))).toBeLessThan(1e-12);
    const products = stored.flatMap((a) => stored.map((b) => dot(a, b)));
    expect(worstError(await history.gram(), products)).toBeLessThan(1e-5);
    const n = stored.length;
    const cosines = stored.flatMap((a) => stored.map((b) => dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1)));
    expect(worstError(await history.cosine(), cosines)).toBeLessThan(1e-5);
    const k = integer(random, 0, 12);
    const top = await history.topPairs(k);
    expect(top.first.length).toBe(Math.min(k, (n * Math.max(0, n - 1)) / 2));
    const own = await history.cosine();
    const all: [number, number, number][] = [];
    for (let a = 0; a < n; a++) for (let b = a + 1; b < n; b++) all.push([own[a * n + b] ?? 0, a, b]);
    all.sort((p, q) => q[0] - p[0] || p[1] - q[1] || p[2] - q[2]);
    const found = Array.from(top.first, (a, p) => [top.similarity[p], a, top.second[p]]);
    expect(found).toEqual(all.slice(0, k));
    expect(await cosinePairs(await history.gram(), n, k)).toEqual(top);
  }
});

test('two identical filters are always the first pair, with similarity exactly 1', async () => {
  const random = randomOf(5);
  for (let i = 0; i < 60; i++) {
    const n = integer(random, 3, 90);
    const inner = integer(random, 1, 700);
    const [a, b] = [...subsetOfTwo(random, n)] as [number, number];
    const history = createHistory([n, inner], 0);
    for (let epoch = 0; epoch < 3; epoch++) {
      const weights = floats(random, n * inner);
      weights.copyWithin(b * inner, a * inner, (a + 1) * inner);
      // Others that are nearly the same.
      const near = (a + 1) % n === b ? (a + 2) % n : (a + 1) % n;
      if (inner > 8)
        for (let k = 0; k < inner; k++)
          weights[near * inner + k] = (weights[a * inner + k] ?? 0) * (1 + 1e-4 * random());
      await history.record(weights);
    }
    const top = await history.topPairs(1);
    if (inner > 8) expect([top.first[0], top.second[0]]).toEqual([Math.min(a, b), Math.max(a, b)]);
    expect(top.similarity[0]).toBe(1);
  }
});

function subsetOfTwo(random: () => number, n: number): Set<number> {
  const chosen = new Set<number>();
  while (chosen.size < 2) chosen.add(integer(random, 0, n - 1));
  return chosen;
}

test('calls on one history run in order without being awaited', async () => {
  const history = createHistory([2, 2], 0);
  const calls = [
    history.record(Float32Array.of(1, 0, 0, 1)),
    history.keep(Int32Array.of(1)),
    history.record(Float32Array.of(2, 2)),
  ];
  const gram = history.gram();
  await Promise.all(calls);
  expect([...(await gram)]).toEqual([1 + 8]);
  expect(history.dims).toEqual([1, 2]);
});

test('a refused record adds nothing and names the channel', async () => {
  const history = createHistory([2, 3], 0);
  await history.record(Float32Array.of(1, 2, 3, 4, 5, 6));
  await expect(history.record(Float32Array.of(1, 2, 3, 4, Number.NaN, 6))).rejects.toThrow(/weights.*channel 1/);
  await expect(history.record(new Float32Array(5))).rejects.toThrow(RangeError);
  expect(history.records).toBe(1);
  expect([...history.l1()]).toEqual([6, 15]);
});

test('a history comes back from its bytes, and damaged ones are refused', async () => {
  const random = randomOf(6);
  const history = createHistory([5, 3, 3], 1);
  for (let i = 0; i < 3; i++) await history.record(floats(random, 45));
  const bytes = await history.serialize();
  const copy = await History.restore(bytes);
  expect(copy.records).toBe(3);
  expect(await copy.gram()).toEqual(await history.gram());
  expect(copy.l1()).toEqual(history.l1());
  // A part of a file, which a Buffer is, anywhere in its memory.
  for (const offset of [1, 3, 8]) {
    const file = Buffer.alloc(bytes.length + offset);
    file.set(bytes, offset);
    expect((await History.restore(file.subarray(offset))).l1()).toEqual(history.l1());
  }
  const next = floats(random, 45);
  await Promise.all([history.record(next), copy.record(next)]);
  expect(await copy.serialize()).toEqual(await history.serialize());
  for (let length = 0; length < bytes.length; length++) {
    await expect(History.restore(bytes.slice(0, length))).rejects.toThrow(RangeError);
  }
  for (let at = 0; at < 400; at++) {
    const damaged = bytes.slice();
    damaged[integer(random, 0, bytes.length - 1)] = integer(random, 0, 255);
    try {
      await History.restore(damaged);
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  }
});

test('ranking is a stable sort', async () => {
  const random = randomOf(7);
  for (let i = 0; i < 300; i++) {
    const scores = Float64Array.from({ length: integer(random, 0, 200) }, () => integer(random, -9, 9) / 4);
    const expected = Array.from(scores.keys()).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b);
    const count = integer(random, 0, scores.length);
    expect([...(await rankChannels(scores, count))]).toEqual(expected.slice(0, count));
    expect([...(await rankChannels(scores))]).toEqual(expected);
  }
  // In blocks that are joined.
  for (const size of [65_536, 65_537, 200_001, 300_000]) {
    const scores = Float64Array.from({ length: size }, () => integer(random, -9999, 9999));
    const expected = Int32Array.from(scores.keys()).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b);
    for (const count of [undefined, 1, 5000, 65_536, 131_072, size - 1].filter((each) => (each ?? 0) <= size))
      expect(await rankChannels(scores, count)).toEqual(expected.slice(0, count));
  }
  await expect(rankChannels(Float64Array.of(1, Number.NaN))).rejects.toThrow(
    'Expected numbers for scores but received NaN at index 1',
  );
});
