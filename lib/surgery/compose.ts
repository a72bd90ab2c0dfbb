/** Several removals, one after the other, told as one plan in terms of the file that came first. */

import type { Dependencies } from '../analyze/groups.js';
import type { Plan } from './plan.js';

/**
 * @param original dependencies of the graph before the first removal.
 * @param plans the plans of the removals in order; each speaks of the graph that the one before it left. Channels keep
 *   their order and groups their ids through a removal, so that channel c is the c-th of those that are still there.
 * @returns merges into those that are there at the end: what went into a channel that went itself went on with it, and
 *   is left out where that one was merged into none.
 */
export function composePlans(original: Dependencies, plans: readonly Plan[]): Plan {
  const groups = original.groups.flatMap((group): Plan['groups'] => {
    let alive = Array.from({ length: group.channels }, (_, channel) => channel);
    const removed: number[] = [];
    const merged: [number, number][] = [];
    for (const plan of plans) {
      const step = plan.groups.find((entry) => entry.id === group.id);
      if (!step) continue;
      const originalOf = (channel: number) => alive[channel] ?? channel;
      removed.push(...step.removed.map(originalOf));
      merged.push(...step.merged.map(([from, into]): [number, number] => [originalOf(from), originalOf(into)]));
      const gone = new Set(step.removed);
      alive = alive.filter((_, channel) => !gone.has(channel));
    }
    if (removed.length === 0) return [];
    removed.sort((a, b) => a - b);
    const twin = new Map(merged);
    const survivorOf = (channel: number): number => {
      const next = twin.get(channel);
      return next === undefined ? channel : survivorOf(next);
    };
    const gone = new Set(removed);
    const settled = merged
      .map(([from, into]): [number, number] => [from, survivorOf(into)])
      .filter(([, into]) => !gone.has(into));
    const members = group.members.map(({ value, axis, perChannel, indices }) => ({
      tensor: value,
      axis,
      removed: removed
        .flatMap((channel) => [...indices.subarray(channel * perChannel, (channel + 1) * perChannel)])
        .sort((a, b) => a - b),
    }));
    return [{ id: group.id, channels: group.channels, removed, merged: settled, members }];
  });
  return { groups, pinned: original.pinned };
}
