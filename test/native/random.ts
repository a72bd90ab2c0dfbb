/** Seeded random cases for the addon's tests. */

/** mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Random = () => number;

/** An integer from `least` to `most`, both included. */
export const integer = (random: Random, least: number, most: number): number =>
  least + Math.floor(random() * (most - least + 1));

export function floats(random: Random, length: number): Float32Array {
  const array = new Float32Array(length);
  for (let i = 0; i < length; i++) array[i] = random() * 2 - 1;
  return array;
}

export const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** Mostly small and odd extents, sometimes 0, 1 or a long one; at most about `most` elements. */
export function shape(random: Random, most = 4000): number[] {
  const dims: number[] = [];
  const rank = integer(random, 1, 5);
  for (let i = 0; i < rank; i++) {
    const left = Math.max(1, Math.floor(most / product(dims.map((dim) => Math.max(1, dim)))));
    const pick = random();
    const dim = pick < 0.03 ? 0 : pick < 0.15 ? 1 : pick < 0.9 ? integer(random, 2, 17) : integer(random, 18, 300);
    dims.push(Math.min(dim, left));
  }
  return dims;
}

/** The elements of each index along an axis, in row-major order. */
export function channelsOf<T extends ArrayLike<number>>(tensor: T, dims: readonly number[], axis: number): number[][] {
  const inner = product(dims.slice(axis + 1));
  const count = dims[axis] ?? 0;
  const channels: number[][] = Array.from({ length: count }, () => []);
  for (let i = 0; i < tensor.length; i++) channels[Math.floor(i / inner) % count]?.push(tensor[i] ?? Number.NaN);
  return channels;
}

/** A random subset in random order. */
export function subset(random: Random, extent: number): Int32Array {
  const indices = Array.from({ length: extent }, (_, i) => i).filter(() => random() < 0.6);
  for (let i = indices.length - 1; i > 0; i--) {
    const j = integer(random, 0, i);
    [indices[i], indices[j]] = [indices[j] ?? 0, indices[i] ?? 0];
  }
  return Int32Array.from(random() < 0.5 ? indices : indices.sort((a, b) => a - b));
}

/** The largest |a − b| / (|b| + scale). */
export function worstError(a: ArrayLike<number>, b: ArrayLike<number>, scale = 1): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? Number.NaN, b[i] ?? Number.NaN];
    if (Object.is(x, y)) continue;
    const error = Math.abs(x - y) / (Math.abs(y) + scale);
    worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
  }
  return worst;
}
