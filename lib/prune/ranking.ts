/**
 * Which channels compete with each other, and who loses how many.
 *
 * `local`: each group by itself. `global`: all channels. `isomorphic`: the channels of groups of one structure (Fang et
 * al., arXiv 2407.04616): scores of layers that stand alike in a network can be compared, those of others cannot, so that
 * every structure gives the same fraction.
 */

import type { Group } from '../analyze/groups.js';
import { consumers, type Graph } from '../graph/graph.js';
import { fewest, type Limits, lowestBut } from './select.js';

export const RANKINGS = ['local', 'global', 'isomorphic'] as const;
export type Ranking = (typeof RANKINGS)[number];

/** Equal numbers for groups whose channels are ranked together; a structure is the operators, their kernels and roles. */
export function rankedTogether(graph: Graph, groups: readonly Group[], ranking: Ranking): number[] {
  if (ranking === 'local') return groups.map((_, number) => number);
  if (ranking === 'global') return groups.map(() => 0);
  const structures = new Map<string, number>();
  const readers = consumers(graph);
  return groups.map(({ members }) => {
    const uses = members.flatMap(({ value, axis, role, perChannel }) => {
      const kernel = graph.initializers.get(value)?.dims.slice(2).join('×');
      const at = [axis, role, perChannel, kernel];
      return (readers.get(value) ?? []).map(({ node, input }) => [node.domain, node.op, input, ...at].join());
    });
    const structure = uses.sort().join(';');
    const number = structures.get(structure) ?? structures.size;
    structures.set(structure, number);
    return number;
  });
}

/** What is asked of a group: those of one `rank` compete, and lose `ratio` of their original channels together. */
export interface Share {
  rank: number;
  ratio: number;
}

/** The lowest channels of each rank. @param shares by group number; the ratio of a rank is that of its first group. */
export function selectRanked(
  groups: readonly Group[],
  scores: readonly Float64Array[],
  shares: readonly Share[],
  limits: Limits,
): number[][] {
  const ranks = new Map<number, number[]>();
  for (const [group, { rank }] of shares.entries()) ranks.set(rank, [...(ranks.get(rank) ?? []), group]);
  const removed: number[][] = groups.map(() => []);
  for (const competing of ranks.values()) {
    const ratio = shares[competing[0] ?? 0]?.ratio ?? 0;
    const stay = competing.length > 1 ? staying(competing, groups, scores, ratio, limits) : undefined;
    for (const group of competing) {
      const channels = groups[group]?.channels ?? 0;
      const left = stay?.get(group) ?? (limits.originalChannels[group] ?? channels) * (1 - ratio);
      if (left < channels) removed[group] = lowestBut(scores[group] ?? new Float64Array(channels), group, left, limits);
    }
  }
  return removed;
}

/** How many channels stay in each of several groups when the lowest of all of them go. */
function staying(
  competing: readonly number[],
  groups: readonly Group[],
  scores: readonly Float64Array[],
  ratio: number,
  limits: Limits,
): Map<number, number> {
  const stay = new Map(competing.map((group) => [group, groups[group]?.channels ?? 0]));
  const original = (group: number) => limits.originalChannels[group] ?? groups[group]?.channels ?? 0;
  const wanted = competing.reduce((sum, group) => sum + original(group) * (1 - ratio), 0);
  let left = [...stay.values()].reduce((sum, count) => sum + count, 0);
  const order = competing
    .flatMap((group) => Array.from(scores[group] ?? [], (score) => ({ group, score })))
    .sort((a, b) => a.score - b.score || a.group - b.group);
  for (const { group } of order) {
    if (left <= wanted) break;
    const count = stay.get(group) ?? 0;
    if (count <= fewest(original(group), limits)) continue;
    stay.set(group, count - 1);
    left--;
  }
  return stay;
}

const HALVINGS = 20;
/** Ratios that are nearer to each other are not told apart. */
export const RATIO_STEP = 2 ** -HALVINGS;

/** The smallest ratio (to within `RATIO_STEP`, at most `most`) of which `fits` is true, which larger ones are as well. */
export function smallestRatio(most: number, fits: (ratio: number) => boolean): number {
  let [low, high] = [0, most];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (fits(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** A ratio of its own for some groups. */
export interface Override {
  /** As the person gave it. */
  pattern: string;
  matches: (initializer: string) => boolean;
  ratio: number;
}

/** The ratio that is given for a group by name (its own, or that of a weight that makes its channels), the last one. */
export function overrideOf({ id, members }: Group, overrides: readonly Override[]): number | undefined {
  const names = [id, ...members.filter(({ role }) => role === 'makes').map(({ value }) => value)];
  return overrides.findLast(({ matches }) => names.some(matches))?.ratio;
}
