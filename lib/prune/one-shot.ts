/** One removal: score every channel, choose, cut. Needs no data unless the criterion does, and no engine. */

import { costOf, costTerms, evaluate } from '../analyze/cost.js';
import { type Dependencies, dependencyGroups, type Group } from '../analyze/groups.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { type Removal, type Removed, removeChannels } from '../surgery/remove.js';
import { criterionNamed } from './criteria/index.js';
import type { ScoreContext } from './criterion.js';
import { normalizeScores } from './normalize.js';
import type { PruneOptions } from './options.js';
import { isHistory } from './pairs.js';
import {
  overrideOf,
  RATIO_STEP,
  type Ranking,
  rankedTogether,
  type Share,
  selectRanked,
  smallestRatio,
} from './ranking.js';
import { type Costs, type Limits, meetsTargets, selectChannels } from './select.js';
import { scaledBySensitivity } from './sensitivity.js';

export interface OneShot extends Removed {
  dependencies: Dependencies;
  macs: number;
  parameters: number;
  /** Every target was met. */
  met: boolean;
}

export interface OneShotContext {
  /** Costs that the targets are fractions of; those of `graph` unless it was pruned before. */
  from?: { macs: number; parameters: number };
  /** Channels that each group had before any pruning, by id. */
  originalChannels?: ReadonlyMap<string, number>;
  taylor?: ScoreContext['taylor'];
}

/** @throws TascnetError when the criterion lacks what it needs or nothing in the graph can be pruned. */
export async function pruneOnce(graph: Graph, options: PruneOptions, context: OneShotContext = {}): Promise<OneShot> {
  const { dependencies, removals } = await chosenRemovals(graph, options, context);
  return cutChannels(graph, dependencies, removals, options, context);
}

/** What goes of each group (by id): its channels scored, and chosen by their scores. @throws as `pruneOnce` does. */
export async function chosenRemovals(
  graph: Graph,
  options: PruneOptions,
  context: OneShotContext = {},
): Promise<{ dependencies: Dependencies; removals: Map<string, Removal> }> {
  const criterion = criterionNamed(options.criterion);
  const dependencies = dependencyGroups(graph, options.ignore);
  const { groups } = dependencies;
  if (groups.length === 0) throw nothingToPrune(dependencies);
  const raw = await criterion.scores({
    graph,
    dependencies,
    seed: options.seed,
    signal: options.signal,
    taylor: context.taylor,
    reduce: options.reduce,
  });
  // Where each group loses a share of its own, its channels are compared with each other alone.
  const apart = options.ratio !== undefined && rankingOf(options) === 'local';
  const normalization = options.normalize ?? (criterion.comparable || apart ? 'none' : 'mean');
  const normal = normalizeScores(raw, normalization);
  const { sensitivity } = options;
  const scores = sensitivity ? scaledBySensitivity(groups, normal, sensitivity) : normal;
  const removed = chosenChannels(graph, dependencies, scores, options, context);
  const removals = new Map(
    groups.flatMap((group, number): [string, Removal][] => {
      const channels = removed[number] ?? [];
      return channels.length > 0 ? [[group.id, { channels }]] : [];
    }),
  );
  return { dependencies, removals };
}

/** Removes chosen channels and tells what is left, measured against the targets. */
export async function cutChannels(
  graph: Graph,
  dependencies: Dependencies,
  removals: ReadonlyMap<string, Removal>,
  options: PruneOptions,
  context: OneShotContext,
): Promise<OneShot> {
  const result = await removeChannels(graph, removals, dependencies);
  const { macs, parameters } = costOf(result.graph, result.shapes);
  const { targets } = options;
  const aimed = targets.macs !== undefined || targets.parameters !== undefined;
  const from = aimed ? (context.from ?? costOf(graph, dependencies.shapes)) : undefined;
  const fits = (left: number, all = 0, target: number | undefined) => target === undefined || left <= target * all;
  const met = fits(macs, from?.macs, targets.macs) && fits(parameters, from?.parameters, targets.parameters);
  return { ...result, dependencies, macs, parameters, met };
}

/** The channels that go, by group number. @param scores one a channel, comparable where channels compete. */
export function chosenChannels(
  graph: Graph,
  dependencies: Dependencies,
  scores: readonly Float64Array[],
  options: PruneOptions,
  context: OneShotContext,
): number[][] {
  const { groups } = dependencies;
  const limits = limitsOf(dependencies, options, context);
  const own = ownRatios(graph, groups, options);
  const { ratio, targets } = options;
  const ranking = rankingOf(options);
  const ranks = rankedTogether(graph, groups, ranking);
  const select = (common: number) => {
    const shares = groups.map((_, group): Share => {
      const alone = own.get(group);
      return alone === undefined
        ? { rank: ranks[group] ?? 0, ratio: common }
        : { rank: groups.length + group, ratio: alone };
    });
    return selectRanked(groups, scores, shares, limits);
  };
  if (ratio !== undefined) return select(ratio);
  const { latencyModel } = options;
  const terms = costTerms(graph, dependencies, latencyModel?.rates);
  const counts = groups.map((group) => group.channels);
  const from: Costs = {
    ...(context.from ?? {
      macs: evaluate(terms, 'macs', counts),
      parameters: evaluate(terms, 'parameters', counts),
    }),
    ...(latencyModel ? { latency: latencyModel.from } : {}),
  };
  if (ranking === 'global') {
    const alone = own.size > 0 ? select(0) : [];
    const settled = new Map([...own.keys()].map((group) => [group, alone[group]?.length ?? 0]));
    return selectChannels(groups, scores, terms, { targets, from, settled, ...limits }).removed;
  }
  const fits = (removed: readonly number[][]) =>
    meetsTargets(
      terms,
      removed.map(({ length }, group) => (counts[group] ?? 0) - length),
      targets,
      from,
    );
  const enough = smallestRatio(options.maxRatio, (common) => fits(select(common)));
  return givenBack(select(enough), select(Math.max(0, enough - 2 * RATIO_STEP)), scores, fits);
}

/** At one ratio many groups lose a step at once, more than is needed: those that can do without it keep it, dearest first. */
function givenBack(
  enough: number[][],
  tooFew: number[][],
  scores: readonly Float64Array[],
  fits: (removed: readonly number[][]) => boolean,
): number[][] {
  const price = (group: number) => {
    const already = new Set(tooFew[group]);
    const step = enough[group]?.filter((channel) => !already.has(channel)) ?? [];
    return step.reduce((sum, channel) => sum + (scores[group]?.[channel] ?? 0), 0);
  };
  const dearestFirst = enough
    .map((_, group) => ({ group, price: price(group) }))
    .filter(({ group }) => (tooFew[group]?.length ?? 0) < (enough[group]?.length ?? 0))
    .sort((a, b) => b.price - a.price || a.group - b.group);
  return dearestFirst.reduce((removed, { group }) => {
    const less = removed.with(group, tooFew[group] ?? []);
    return fits(less) ? less : removed;
  }, enough);
}

/**
 * Towards targets channels compete where their scores can be compared, so that those go which cost most of what is to be
 * saved. Not so those of `taylor` towards fewer MACs alone: they do not tell what repair will mend, and MobileNet V1 and V2
 * cut to 30 – 70 % of their MACs that way were up to 10 points of accuracy worse right after the cut than with the same
 * share of every layer gone.
 */
function rankingOf({ ranking, ratio, criterion, normalize, sensitivity, targets }: PruneOptions): Ranking {
  if (ranking) return ranking;
  if (ratio !== undefined || isHistory(criterion)) return 'local';
  if (normalize !== undefined || sensitivity !== undefined) return 'global';
  const { comparable, name } = criterionNamed(criterion);
  const macsAlone = targets.parameters === undefined && targets.latency === undefined;
  return comparable && !(name === 'taylor' && macsAlone) ? 'global' : 'local';
}

/** The groups that are given a ratio of their own. @throws TascnetError when a pattern matches no weight of the model. */
function ownRatios(graph: Graph, groups: readonly Group[], { overrides = [] }: PruneOptions): Map<number, number> {
  for (const { pattern, matches } of overrides)
    if (![...graph.initializers.keys()].some(matches))
      throw new TascnetError(`No weight of this model is named "${pattern}", which is given a ratio of its own.`, {
        hint: 'tascnet inspect --groups lists the names; * stands for any characters.',
      });
  if (overrides.length === 0) return new Map();
  return new Map(
    groups.flatMap((group, number): [number, number][] => {
      const ratio = overrideOf(group, overrides);
      return ratio === undefined ? [] : [[number, ratio]];
    }),
  );
}

/** The limits of `options` for the groups as they are now. */
export function limitsOf(
  { groups }: Dependencies,
  { roundTo, minChannels, maxRatio }: PruneOptions,
  { originalChannels }: OneShotContext,
): Limits {
  const original = groups.map(({ id, channels }) => Math.max(channels, originalChannels?.get(id) ?? 0));
  return { roundTo, minChannels, maxRatio, originalChannels: original };
}

function nothingToPrune({ pinned, shapes }: Dependencies): TascnetError {
  const [first] = pinned;
  const reason = first ? ` ${first.node}: ${first.reason}.` : shapes.unknown[0] ? ` ${shapes.unknown[0].reason}.` : '';
  return new TascnetError(`Nothing in this model can be pruned.${reason}`, {
    hint: 'tascnet inspect --groups shows what is pinned and why.',
  });
}
