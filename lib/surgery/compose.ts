/** Several removals, one after the other, told as one plan in terms of the file that came first. */

import type { Dependencies, Group } from '../analyze/groups.js';
import { keyOf } from '../analyze/relations.js';
import type { Plan } from './plan.js';

/**
 * @param original dependencies of the graph before the first removal.
 * @param plans the plans of the removals in order; each speaks of the graph that the one before it left.
 * @returns what the tensors lost, exactly. Channels can be grouped otherwise after a removal (a shuffle that lost some
 *   ties others); a channel of an original group counts as removed when any of its elements is.
 */
export function composePlans(original: Dependencies, plans: readonly Plan[]): Plan {
  const gone = goneElements(original, plans);
  const untold = new Map([...gone].map(([key, elements]) => [key, new Set(elements)]));
  const groups = original.groups.flatMap((group): Plan['groups'] => {
    const lost = new Set<number>();
    const members = group.members.flatMap(({ value, axis, perChannel, indices }) => {
      const key = keyOf({ value, axis });
      const removed: number[] = [];
      for (const [position, element] of indices.entries())
        if (gone.get(key)?.has(element)) {
          removed.push(element);
          untold.get(key)?.delete(element);
          lost.add(Math.floor(position / perChannel));
        }
      return removed.length > 0 ? [{ tensor: value, axis, removed: ascending(removed) }] : [];
    });
    if (members.length === 0) return [];
    const removed = ascending(lost);
    return [{ id: group.id, channels: group.channels, removed, merged: mergesOf(group, plans, lost), members }];
  });
  return { groups: [...groups, ...newGroups(original, plans, untold)], pinned: original.pinned };
}

function ascending(numbers: Iterable<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}

/** For every axis of an initializer that was cut, the elements that it lost, in terms of the original. */
function goneElements(original: Dependencies, plans: readonly Plan[]): Map<string, Set<number>> {
  const alive = new Map<string, number[]>();
  const gone = new Map<string, Set<number>>();
  for (const { groups } of plans) {
    const cut = new Map<string, Set<number>>();
    for (const { tensor, axis, removed } of groups.flatMap(({ members }) => members)) {
      const key = keyOf({ value: tensor, axis });
      const extent = original.shapes.types.get(tensor)?.dims[axis];
      if (!alive.has(key)) alive.set(key, typeof extent === 'number' ? [...Array(extent).keys()] : []);
      cut.set(key, new Set([...(cut.get(key) ?? []), ...removed]));
    }
    for (const [key, removed] of cut) {
      const elements = alive.get(key) ?? [];
      const lost = elements.filter((_, index) => removed.has(index));
      gone.set(key, new Set([...(gone.get(key) ?? []), ...lost]));
      alive.set(
        key,
        elements.filter((_, index) => !removed.has(index)),
      );
    }
  }
  return gone;
}

/**
 * Merges into channels that are there at the end: what went into a channel that went itself went on with it, and is left
 * out where that one was merged into none. Steps that found the group's channels tied otherwise do not count.
 */
function mergesOf({ id, channels }: Group, plans: readonly Plan[], lost: ReadonlySet<number>): [number, number][] {
  let alive = Array.from({ length: channels }, (_, channel) => channel);
  const merged: [number, number][] = [];
  for (const { groups } of plans) {
    const step = groups.find((entry) => entry.id === id && entry.channels === alive.length);
    if (!step) continue;
    const originalOf = (channel: number) => alive[channel] ?? channel;
    merged.push(...step.merged.map(([from, into]): [number, number] => [originalOf(from), originalOf(into)]));
    const removed = new Set(step.removed);
    alive = alive.filter((_, channel) => !removed.has(channel));
  }
  const twin = new Map(merged);
  const survivorOf = (channel: number): number => {
    const next = twin.get(channel);
    return next === undefined ? channel : survivorOf(next);
  };
  return merged
    .map(([from, into]): [number, number] => [from, survivorOf(into)])
    .filter(([from, into]) => lost.has(from) && !lost.has(into));
}

/** Elements that no group of the original holds, under the group that they were removed with. */
function newGroups(
  original: Dependencies,
  plans: readonly Plan[],
  untold: ReadonlyMap<string, Set<number>>,
): Plan['groups'] {
  return plans.flatMap(({ groups }) =>
    groups.flatMap(({ id, members }): Plan['groups'] => {
      const told = members.flatMap(({ tensor, axis }) => {
        const elements = untold.get(keyOf({ value: tensor, axis })) ?? new Set();
        const removed = ascending(elements);
        elements.clear();
        return removed.length > 0 ? [{ tensor, axis, removed }] : [];
      });
      const [first] = told;
      if (!first) return [];
      const extent = original.shapes.types.get(first.tensor)?.dims[first.axis];
      const channels = typeof extent === 'number' ? extent : first.removed.length;
      return [{ id, channels, removed: first.removed, merged: [], members: told }];
    }),
  );
}
