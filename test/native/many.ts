/** Random cases of an entry, many of them, each compared with the plain reference. */

import { test } from '@jest/globals';
import { floats, integer, type Random, randomOf } from './random.js';

const CASES = 10_000;
const AT_ONCE = 250;

/** Runs the cases, many at a time; `check` answers with the error of one, 0 or false where there is none. */
export function many(
  name: string,
  seed: number,
  check: (random: Random) => Promise<number | boolean>,
  tolerance = 0,
): void {
  test(`${name}: ${CASES} random cases`, async () => {
    const random = randomOf(seed);
    for (let done = 0; done < CASES; done += AT_ONCE) {
      const errors = await Promise.all(Array.from({ length: AT_ONCE }, () => check(random)));
      const worst = errors.findIndex((error) => !(Number(error) <= tolerance));
      if (worst >= 0) throw new Error(`case ${done + worst} of seed ${seed} is off by ${errors[worst]}`);
    }
  });
}

/** Small, odd, now and then empty; a few dozen elements. */
export function dimsOf(random: Random): number[] {
  const rank = integer(random, 1, 4);
  return Array.from({ length: rank }, () => (random() < 0.02 ? 0 : integer(random, 1, rank > 2 ? 5 : 9)));
}

/** Numbers of any size and, where asked for, no numbers; a view that begins anywhere in a larger buffer. */
export function weightsOf(random: Random, length: number, wild = true): Float32Array {
  const offset = integer(random, 0, 3);
  const array = new Float32Array(length + offset + integer(random, 0, 2)).subarray(offset, offset + length);
  const size = random() < 0.8 || !wild ? 1 : 10 ** integer(random, -30, 30);
  for (let i = 0; i < length; i++) array[i] = (random() * 2 - 1) * size;
  if (wild && length > 0 && random() < 0.1)
    array[integer(random, 0, length - 1)] = [Number.NaN, Number.POSITIVE_INFINITY, -Infinity, -0, 1e-45][
      integer(random, 0, 4)
    ] as number;
  return array;
}

/** Two tensors, which may share memory. */
export function overlapping(random: Random, length: number): [Float32Array, Float32Array] {
  if (random() < 0.5) return [weightsOf(random, length, false), weightsOf(random, length, false)];
  const both = floats(random, length + 3);
  return [both.subarray(0, length), both.subarray(integer(random, 0, 3)).subarray(0, length)];
}

export const axisOf = (random: Random, dims: readonly number[]) => integer(random, 0, dims.length - 1);
export const pick = <T>(random: Random, values: readonly T[]): T => values[integer(random, 0, values.length - 1)] as T;
