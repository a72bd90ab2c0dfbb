/**
 * Which channels go: a greedy walk that, step by step, takes from the group where the least importance is lost for each
 * unit of cost saved, until the target is met.
 *
 * Channels are taken in steps that leave multiples of `roundTo` (kernels run fastest on those), lowest scores first, so
 * the price of a step is the sum of the scores of its channels.
 */

import { evaluate, type Term } from '../analyze/cost.js';
import type { Group } from '../analyze/groups.js';

/** Costs by kind; of latency what a model of it says, where there is one. */
export interface Costs {
  macs: number;
  parameters: number;
  latency?: number;
}

/** What no choice of channels may go beyond. */
export interface Limits {
  /** Channel counts are left at multiples of this (where a group has as many). */
  roundTo: number;
  /** No group is cut below this many channels. */
  minChannels: number;
  /** No group loses more than this fraction of the channels that `originalChannels` gives. */
  maxRatio: number;
  originalChannels: readonly number[];
}

export interface SelectOptions extends Limits {
  /** What is left of each cost, as a fraction of `from`; the walk goes on until all of them are met. */
  targets: { [K in Term['kind']]?: number | undefined };
  /** The cost that the targets are fractions of. */
  from: Costs;
  /** How many channels groups lose whatever the targets, by group number. */
  settled?: ReadonlyMap<number, number>;
}

export interface Selection {
  /** Channels to remove, by group number. */
  removed: number[][];
  macs: number;
  parameters: number;
  /** All targets are met. */
  met: boolean;
}

/** @param scores one score a channel for each group, comparable between groups, larger is more important. */
export function selectChannels(
  groups: readonly Group[],
  scores: readonly Float64Array[],
  terms: readonly Term[],
  options: SelectOptions,
): Selection {
  const { settled = new Map<number, number>() } = options;
  const order = scores.map(lowestFirst);
  const taken = groups.map((_, group) => settled.get(group) ?? 0);
  const counts = groups.map(({ channels }, group) => channels - (taken[group] ?? 0));
  const termsOfGroup = groups.map((_, group) =>
    terms.filter((term) => term.factors.some((factor) => factor.groups.some((part) => part.group === group))),
  );
  const kinds = (Object.keys(options.targets) as Term['kind'][]).filter((kind) => options.targets[kind] !== undefined);
  const cost: Required<Costs> = {
    macs: evaluate(terms, 'macs', counts),
    parameters: evaluate(terms, 'parameters', counts),
    latency: evaluate(terms, 'latency', counts),
  };
  const excess = (kind: Term['kind']) =>
    cost[kind] - (options.targets[kind] ?? Number.POSITIVE_INFINITY) * (options.from[kind] ?? 0);
  const open = () => kinds.filter((kind) => excess(kind) > 0);

  const steps: { group: number; step: number }[] = [];
  while (open().length > 0) {
    const wanted = open();
    let best: { group: number; step: number; price: number; saved: Required<Costs> } | undefined;
    for (let group = 0; group < groups.length; group++) {
      const step = settled.has(group) ? 0 : nextStep(group, counts[group] ?? 0, options);
      if (step === 0) continue;
      const saved = savings(termsOfGroup[group] ?? [], counts, group, step);
      const gain = wanted.reduce((sum, kind) => sum + saved[kind] / (options.from[kind] || 1), 0);
      if (gain <= 0) continue;
      let lost = 0;
      for (let i = 0; i < step; i++) lost += scores[group]?.[order[group]?.[(taken[group] ?? 0) + i] ?? 0] ?? 0;
      const price = lost / gain;
      if (!best || price < best.price) best = { group, step, price, saved };
    }
    if (!best) break;
    counts[best.group] = (counts[best.group] ?? 0) - best.step;
    taken[best.group] = (taken[best.group] ?? 0) + best.step;
    cost.macs -= best.saved.macs;
    cost.parameters -= best.saved.parameters;
    cost.latency -= best.saved.latency;
    steps.push(best);
  }
  // The last step may have saved far more than was needed: steps that fit in after all are undone, dearest first.
  const closed = new Set<number>();
  for (const { group, step } of open().length > 0 ? [] : steps.toReversed()) {
    // Below a step that stays taken, the channels of its group score less.
    if (closed.has(group)) continue;
    const saved = savings(termsOfGroup[group] ?? [], counts, group, -step);
    if (kinds.some((kind) => excess(kind) - saved[kind] > 0)) {
      closed.add(group);
      continue;
    }
    counts[group] = (counts[group] ?? 0) + step;
    taken[group] = (taken[group] ?? 0) - step;
    cost.macs -= saved.macs;
    cost.parameters -= saved.parameters;
    cost.latency -= saved.latency;
  }
  const removed = order.map((channels, group) => channels.slice(0, taken[group]).sort((a, b) => a - b));
  const { macs, parameters } = cost;
  return { removed, macs, parameters, met: open().length === 0 };
}

/** Whether channel counts leave no more than the targets, which are fractions of `from`. */
export function meetsTargets(
  terms: readonly Term[],
  counts: readonly number[],
  targets: SelectOptions['targets'],
  from: SelectOptions['from'],
): boolean {
  return (['macs', 'parameters', 'latency'] as const).every((kind) => {
    const target = targets[kind];
    return target === undefined || evaluate(terms, kind, counts) <= target * (from[kind] ?? 0);
  });
}

/** How many channels the next step takes from a group of `count`: down to the next multiple of `roundTo`; 0 for none. */
function nextStep(group: number, count: number, limits: Limits): number {
  const original = limits.originalChannels[group] ?? count;
  const multiple = Math.floor((count - 1) / limits.roundTo) * limits.roundTo;
  const next = multiple > 0 ? multiple : original < limits.roundTo ? count - 1 : 0;
  return next >= fewest(original, limits) ? count - next : 0;
}

/** The fewest channels that a group may keep. */
export function fewest(original: number, { minChannels, maxRatio }: Limits): number {
  // 10 · 0.7 is not quite 7.
  return Math.max(minChannels, original - Math.floor(original * maxRatio + 1e-9), 1);
}

function lowestFirst(score: Float64Array): number[] {
  return [...score.keys()].sort((a, b) => (score[a] ?? 0) - (score[b] ?? 0) || a - b);
}

function savings(terms: readonly Term[], counts: number[], group: number, step: number): Required<Costs> {
  const smaller = counts.with(group, (counts[group] ?? 0) - step);
  const saved = (kind: Term['kind']) => evaluate(terms, kind, counts) - evaluate(terms, kind, smaller);
  return { macs: saved('macs'), parameters: saved('parameters'), latency: saved('latency') };
}

/**
 * The lowest channels of each group, so that `ratio` of its original channels are gone, as nearly as a multiple of
 * `roundTo` comes to it.
 */
export function selectLocally(
  groups: readonly Group[],
  scores: readonly Float64Array[],
  ratio: number,
  limits: Limits,
): number[][] {
  return groups.map(({ channels }, group) => {
    const wanted = (limits.originalChannels[group] ?? channels) * (1 - ratio);
    return wanted >= channels ? [] : lowestBut(scores[group] ?? new Float64Array(channels), group, wanted, limits);
  });
}

/** All but `wanted` of the channels of a group, or as many as the limits permit, lowest scores first; ascending. */
export function lowestBut(score: Float64Array, group: number, wanted: number, limits: Limits): number[] {
  const { roundTo, originalChannels } = limits;
  const channels = score.length;
  const original = originalChannels[group] ?? channels;
  const rounded = original >= roundTo ? Math.max(roundTo, Math.round(wanted / roundTo) * roundTo) : Math.round(wanted);
  const stay = Math.min(channels, Math.max(fewest(original, limits), rounded));
  return lowest(score, channels - stay);
}

/** The channels of the `count` lowest scores, ascending; of equal scores the first ones. */
function lowest(score: Float64Array, count: number): number[] {
  // Sorting numbers alone is many times as quick as sorting channels by them.
  const sorted = score.toSorted();
  const limit = sorted[count - 1];
  if (limit === undefined) return [];
  let equal = count - sorted.indexOf(limit);
  const found: number[] = [];
  for (let channel = 0; channel < score.length; channel++) {
    const value = score[channel] ?? 0;
    if (value < limit || (value === limit && equal-- > 0)) found.push(channel);
  }
  return found;
}
