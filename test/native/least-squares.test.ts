import { expect, test } from '@jest/globals';
import { createLeastSquares, type FoldedLayer, foldBatchNorm, unfoldBatchNorm } from '../../lib/native.js';
import { channelsOf, floats, integer, product, randomOf, shape, worstError } from './random.js';
import { ridgeOf } from './reference.js';

test('ridge solutions agree with elimination, streamed in pieces, with and without a prior', async () => {
  const random = randomOf(31);
  for (let i = 0; i < 60; i++) {
    const [n, m, count] = [integer(random, 1, 40), integer(random, 1, 20), integer(random, 50, 300)];
    const [x, y] = [floats(random, n * count), floats(random, m * count)];
    const prior = random() < 0.5 ? floats(random, n * m) : undefined;
    const ridge = random() < 0.3 ? 0 : random() * 10;
    const equations = createLeastSquares(n, m);
    for (let from = 0; from < count; ) {
      const step = Math.min(count - from, integer(random, 0, 120));
      await equations.add(x.subarray(from * n, (from + step) * n), y.subarray(from * m, (from + step) * m), step);
      from += step;
    }
    expect(equations.samples).toBe(count);
    expect(worstError(await equations.solve(ridge, prior), ridgeOf(x, y, n, m, ridge, prior))).toBeLessThan(1e-4);
  }
});

test('weights that explain the samples are found again, over several blocks', async () => {
  const random = randomOf(32);
  for (const [n, m, count] of [
    [300, 70, 900],
    [129, 3, 5000],
    [700, 5, 1500],
  ] as const) {
    const truth = floats(random, n * m);
    const x = floats(random, n * count);
    const y = new Float32Array(m * count);
    for (let s = 0; s < count; s++) {
      for (let i = 0; i < n; i++) {
        const xi = x[s * n + i] ?? 0;
        for (let j = 0; j < m; j++) y[s * m + j] = (y[s * m + j] ?? 0) + xi * (truth[i * m + j] ?? 0);
      }
    }
    const equations = createLeastSquares(n, m);
    await equations.add(x, y, count);
    expect(worstError(await equations.solve(0), truth)).toBeLessThan(1e-3);
    // A large ridge holds the weights at the prior.
    expect(worstError(await equations.solve(1e12, truth), truth)).toBeLessThan(1e-6);
    expect(worstError(await equations.solve(1e12), new Float32Array(n * m))).toBeLessThan(1e-6);
  }
});

test('dependent inputs need a ridge; wrong samples add nothing', async () => {
  const equations = createLeastSquares(2, 1);
  await expect(equations.solve(0)).rejects.toThrow('larger ridge');
  await equations.add(Float32Array.of(1, 1, 2, 2), Float32Array.of(2, 4), 2);
  await expect(equations.solve(0)).rejects.toThrow(RangeError);
  await expect(equations.add(Float32Array.of(1, Number.NaN), Float32Array.of(1), 1)).rejects.toThrow(
    'for x but received NaN',
  );
  await expect(equations.add(Float32Array.of(1, 1), Float32Array.of(Number.NaN), 1)).rejects.toThrow('for y');
  await expect(equations.add(Float32Array.of(1, 1), Float32Array.of(1), 2)).rejects.toThrow(
    '4 elements (count * inputs) for x',
  );
  await expect(equations.solve(-1)).rejects.toThrow('at least 0 for ridge');
  await expect(equations.solve(1, new Float32Array(3))).rejects.toThrow('prior');
  expect(equations.samples).toBe(2);
  expect(worstError(await equations.solve(1e-9), [1, 1])).toBeLessThan(1e-6);
  expect(() => createLeastSquares(0, 1)).toThrow(RangeError);
  expect(() => createLeastSquares(1e9, 1)).toThrow(RangeError);
});

test('folding equals a plain computation, and unfolding is its inverse', async () => {
  const random = randomOf(33);
  for (let i = 0; i < 300; i++) {
    const dims = shape(random, 1500);
    const axis = integer(random, 0, dims.length - 1);
    const n = dims[axis] ?? 0;
    const weight = floats(random, product(dims));
    const [scale, shift, mean] = [floats(random, n), floats(random, n), floats(random, n)];
    const variance = floats(random, n).map((v) => v * v + 0.1);
    const bias = random() < 0.5 ? floats(random, n) : undefined;
    const folded = await foldBatchNorm(weight, dims, bias, scale, shift, mean, variance, 1e-5, { axis });
    const factors = Array.from(scale, (s, c) => s / Math.sqrt((variance[c] ?? 0) + 1e-5));
    const expected = factors.map((f, c) => f * ((bias?.[c] ?? 0) - (mean[c] ?? 0)) + (shift[c] ?? 0));
    expect(worstError(folded.bias, expected)).toBeLessThan(1e-6);
    const scaled = channelsOf(weight, dims, axis).map((values, c) => values.map((v) => v * (factors[c] ?? 0)));
    expect(worstError(channelsOf(folded.weight, dims, axis).flat(), scaled.flat())).toBeLessThan(1e-6);
    if (scale.some((s) => Math.abs(s) < 0.01)) continue;
    const back = await unfoldBatchNorm(folded.weight, dims, folded.bias, scale, shift, mean, variance, 1e-5, { axis });
    expect(worstError(back.weight, weight)).toBeLessThan(1e-5);
    expect(worstError(back.bias, bias ?? new Float32Array(n))).toBeLessThan(1e-4);
  }
  const one = Float32Array.of(1);
  const zero = Float32Array.of(0);
  await expect(unfoldBatchNorm(one, [1], one, zero, one, one, one, 0)).rejects.toThrow('cannot be undone');
  await expect(foldBatchNorm(one, [1], one, one, one, one, zero, 0)).rejects.toThrow('channel 0');
  await expect(foldBatchNorm(one, [1], new Float32Array(2), one, one, one, one, 0)).rejects.toThrow('for bias');
});

test('a folded layer goes where the caller has room for it, on memory that nothing else is on', async () => {
  const ones = Float32Array.of(1, 1);
  const weight = Float32Array.of(3, 5);
  const out: FoldedLayer = { weight: new Float32Array(2), bias: new Float32Array(2) };
  const fold = (room: FoldedLayer) =>
    foldBatchNorm(weight, [2], undefined, Float32Array.of(2, 4), ones, ones, ones, 0, { out: room });
  expect(await fold(out)).toBe(out);
  expect(out).toEqual({ weight: Float32Array.of(6, 20), bias: Float32Array.of(-1, -3) });
  const own = 'Expected memory of its own for';
  await expect(fold({ ...out, weight })).rejects.toThrow(`${own} out.weight but received some of weight`);
  await expect(fold({ ...out, bias: ones })).rejects.toThrow(`${own} out.bias but received some of`);
  await expect(fold({ weight: out.bias, bias: out.bias })).rejects.toThrow(own);
  await expect(fold({ ...out, bias: new Float32Array(3) })).rejects.toThrow('2 elements (dims[axis]) for out.bias');
  await expect(fold({ ...out, bias: new Float64Array(2) as unknown as Float32Array })).rejects.toThrow(
    'Expected a Float32Array for out.bias',
  );
});
