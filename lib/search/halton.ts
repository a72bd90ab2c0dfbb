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
  const permutations = bases.map((base) =>
    // As many digits as a double can hold.
    Array.from({ length: Math.ceil(Math.log(1e12) / Math.log(base)) }, () =>
      random.shuffle(Array.from({ length: base }, (_, digit) => digit)),
    ),
  );
  return (index) =>
    Float64Array.from(bases, (base, dimension) => {
      let rest = index;
      let sum = 0;
      let weight = 1;
      // The zeros in front are permuted as well.
      for (const permutation of permutations[dimension] ?? []) {
        weight /= base;
        sum += weight * (permutation[rest % base] ?? 0);
        rest = Math.floor(rest / base);
      }
      return Math.min(sum, 1 - Number.EPSILON);
    });
}
