/**
 * Seeded random numbers: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021),
 * its state taken from the SHA-256 of the seeds. The same seeds give the same numbers on every machine.
 */

import { createHash } from 'node:crypto';

/** An array, or a typed array, of `T`. */
interface Sequence<T> {
  readonly length: number;
  [index: number]: T;
}

export interface RandomGenerator {
  /** Uniform in [0, 1), with 53 random bits. */
  next(): number;
  /** Uniform over the integers 0 … n-1. */
  int(n: number): number;
  /** Standard normal. */
  normal(): number;
  /** Shuffles `array` in place, every order equally likely, and returns it. */
  shuffle<T, A extends Sequence<T>>(array: A & Sequence<T>): A;
  /**
   * Another generator, told by these seeds and `label` alone: neither how far this one has run nor other forks matter.
   * Give each use (an epoch, a sample, a trial) a fork of its own, and the order of work changes no result.
   */
  fork(...label: (number | string)[]): RandomGenerator;
}

/** The bare xoshiro128** of the authors: 32-bit words from a state of four that are not all zero. */
export function xoshiro128ss(s0: number, s1: number, s2: number, s3: number): () => number {
  let [a, b, c, d] = [s0 | 0, s1 | 0, s2 | 0, s3 | 0];
  return () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  };
}

/** A generator told by its seeds: numbers and strings, in order, 1 and '1' being different seeds. */
export function randomGenerator(...seeds: (number | string)[]): RandomGenerator {
  // NaN and infinities have no JSON of their own; spelt out, they stay apart from each other.
  const key = JSON.stringify(
    seeds.map((seed) => (Number.isFinite(seed) || typeof seed === 'string' ? seed : [`${seed}`])),
  );
  const digest = createHash('sha256').update(key).digest();
  const word = xoshiro128ss(
    digest.readInt32LE(0),
    digest.readInt32LE(4),
    digest.readInt32LE(8),
    digest.readInt32LE(12),
  );
  let spareNormal: number | undefined;

  const next = (): number => {
    const high = word() >>> 5;
    const low = word() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  };
  const int = (n: number): number => Math.floor(next() * n);

  return {
    next,
    int,
    normal: () => {
      if (spareNormal !== undefined) {
        const spare = spareNormal;
        spareNormal = undefined;
        return spare;
      }
      // Marsaglia's polar method makes two at a time.
      for (;;) {
        const x = 2 * next() - 1;
        const y = 2 * next() - 1;
        const square = x * x + y * y;
        if (square >= 1 || square === 0) continue;
        const factor = Math.sqrt((-2 * Math.log(square)) / square);
        spareNormal = y * factor;
        return x * factor;
      }
    },
    shuffle: <T, A extends Sequence<T>>(array: A & Sequence<T>): A => {
      for (let last = array.length - 1; last > 0; last--) {
        const other = int(last + 1);
        const held = array[last] as T;
        array[last] = array[other] as T;
        array[other] = held;
      }
      return array;
    },
    fork: (...label) => randomGenerator(...seeds, ...label),
  };
}
