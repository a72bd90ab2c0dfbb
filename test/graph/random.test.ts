import { expect, test } from '@jest/globals';
import { randomGenerator, xoshiro128ss } from '../../lib/graph/random.js';

test('xoshiro128** gives the words of the reference', () => {
  // The vector in the tests of Rust's rand_xoshiro, made with the authors' C code from the state {1, 2, 3, 4}.
  const word = xoshiro128ss(1, 2, 3, 4);
  expect(Array.from({ length: 10 }, word)).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ]);
});

test('the same seeds give the same numbers, others give others', () => {
  const draw = (...seeds: (number | string)[]) => {
    const random = randomGenerator(...seeds);
    return [random.next(), random.int(1000), random.normal()];
  };
  expect(draw(7)).toEqual(draw(7));
  const all = [draw(7), draw('7'), draw(7, 0), draw(0, 7), draw(70), draw('7', 0), draw(Number.NaN), draw(Infinity)];
  expect(new Set(all.map(String)).size).toBe(all.length);
});

test('a fork depends on the seeds and its label alone', () => {
  const a = randomGenerator(3);
  const before = a.fork('epoch', 2).next();
  a.next();
  a.normal();
  expect(a.fork('epoch', 2).next()).toBe(before);
  expect(a.fork('epoch').fork(2).next()).toBe(before);
  expect(a.fork('epoch', 3).next()).not.toBe(before);
});

test('uniform, normal and integers have the moments they should', () => {
  const random = randomGenerator('moments');
  const n = 100_000;
  const uniform = Array.from({ length: n }, random.next);
  const normal = Array.from({ length: n }, random.normal);
  const mean = (values: number[], power = 1) => values.reduce((sum, value) => sum + value ** power, 0) / values.length;
  expect(Math.min(...uniform.slice(0, 1000))).toBeGreaterThanOrEqual(0);
  expect(mean(uniform)).toBeCloseTo(0.5, 2);
  expect(mean(uniform, 2)).toBeCloseTo(1 / 3, 2);
  expect(mean(normal)).toBeCloseTo(0, 1);
  expect(mean(normal, 2)).toBeCloseTo(1, 1);
  expect(Math.abs(mean(normal, 4) - 3)).toBeLessThan(0.15);
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const drawn = random.int(5);
    counts[drawn] = (counts[drawn] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - n / 5)).toBeLessThan(500);
});

test('a shuffle keeps the elements and makes every order equally likely', () => {
  const random = randomGenerator('orders');
  const orders = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const order = random.shuffle([0, 1, 2, 3]).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  expect(orders.size).toBe(24);
  for (const count of orders.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  const typed = random.shuffle(Uint32Array.from({ length: 100 }, (_, index) => index));
  expect([...typed].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
});
