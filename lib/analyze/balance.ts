/**
 * Equal counts: from each of several equal parts of an axis (the groups of a convolution) as many elements must go, but any
 * of them. The classes of elements are joined into sets that have equally many in each part, as small as they are found.
 */

import type { DisjointSets } from './disjoint-sets.js';

/** @param elements those of the axis, in order. Joins their classes in `sets`. */
export function balance(sets: DisjointSets, elements: Int32Array, parts: number): void {
  const size = elements.length / parts;
  const counts = new Map<number, Int32Array>();
  for (const [position, element] of elements.entries()) {
    const root = sets.find(element);
    const count = counts.get(root) ?? new Int32Array(parts);
    counts.set(root, count);
    const part = Math.floor(position / size);
    count[part] = (count[part] ?? 0) + 1;
  }
  const uneven = [...counts].filter(([, count]) => !isEven(count)).map(([root, count]): Class => ({ root, count }));
  for (const set of evenSets(uneven, parts)) for (const { root } of set) sets.unite(set[0]?.root ?? root, root);
}

interface Class {
  root: number;
  /** Elements in each part. */
  count: Int32Array;
}

function isEven(count: Int32Array): boolean {
  return count.every((elements) => elements === count[0]);
}

/** Classes in the order given, each into the first set that is left open; those with the same parts in turn. */
function evenSets(classes: readonly Class[], parts: number): Class[][] {
  const bySignature = new Map<string, Class[]>();
  for (const one of classes) {
    const least = Math.min(...one.count);
    const signature = one.count.map((elements) => elements - least).join();
    bySignature.set(signature, [...(bySignature.get(signature) ?? []), one]);
  }
  const queues = [...bySignature].map(([signature, queue]) => ({ excess: signature.split(',').map(Number), queue }));
  const found: Class[][] = [];
  for (;;) {
    const begun = queues.find(({ queue }) => queue.length > 0);
    if (!begun) return found;
    const set: Class[] = [];
    const sum = new Int32Array(parts);
    const take = ({ excess, queue }: (typeof queues)[number]) => {
      const one = queue.shift();
      if (one) set.push(one);
      for (let part = 0; part < parts; part++) sum[part] = (sum[part] ?? 0) + (excess[part] ?? 0);
    };
    take(begun);
    while (!isEven(sum)) {
      const next = bestNext(sum, queues);
      // What is left over is even altogether, as the axis is.
      if (!next) break;
      take(next);
    }
    found.push(set);
  }
}

/** The kind of class that leaves the sums nearest to each other. */
function bestNext<Q extends { excess: number[]; queue: Class[] }>(
  sum: Int32Array,
  queues: readonly Q[],
): Q | undefined {
  let best: Q | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of queues) {
    if (candidate.queue.length === 0) continue;
    const after = sum.map((elements, part) => elements + (candidate.excess[part] ?? 0));
    const mean = after.reduce((total, elements) => total + elements, 0) / after.length;
    const spread = after.reduce((total, elements) => total + (elements - mean) ** 2, 0);
    if (spread < least) [best, least] = [candidate, spread];
  }
  return best;
}
