/**
 * Quasi-random points: the Halton sequence with its digits permuted at random (Owen, "A randomized Halton algorithm in
 * R", arXiv 1706.02808), which covers a space evenly from the first point on.
 */

import type { RandomGenerator } from '../graph/random.js';

function primes(count: number): number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++)
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  return found;
}

/** @returns point number `index` of the sequence that `random` scrambles, each coordinate in [0, 1). */
export function haltonSequence(dimensions: number, random: RandomGenerator): (index: number) => Float64Array {
  const bases = primes(dimensions);
  const permutations = new Map<string, number[]>();
  const permutation = (dimension: number, base: number, digit: number): number[] => {
    const key = `${dimension} ${digit}`;
    const known = permutations.get(key);
    if (known) return known;
    const made = random.fork('digit', dimension, digit).shuffle(Array.from({ length: base }, (_, value) => value));
    permutations.set(key, made);
    return made;
  };
  return (index) =>
    Float64Array.from(bases, (base, dimension) => {
      let rest = index;
      let sum = 0;
      let digit = 0;
      // Zeros in front are permuted as well, down to what a double can hold.
      for (let weight = 1 / base; weight > 1e-12; weight /= base) {
        sum += weight * (permutation(dimension, base, digit)[rest % base] ?? 0);
        rest = Math.floor(rest / base);
        digit++;
      }
      return Math.min(sum, 1 - Number.EPSILON);
    });
}
