/** One removal: score every channel, choose, cut. Needs no data unless the criterion does, and no engine. */

import { costOf, costTerms, evaluate } from '../analyze/cost.js';
import { type Dependencies, dependencyGroups } from '../analyze/groups.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { type Removal, type Removed, removeChannels } from '../surgery/remove.js';
import { criterionNamed } from './criteria/index.js';
import type { ScoreContext } from './criterion.js';
import type { PruneOptions } from './options.js';
import { type Limits, normalizeScores, selectChannels, selectLocally } from './select.js';

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
  const criterion = criterionNamed(options.criterion);
  const dependencies = dependencyGroups(graph, options.ignore);
  const { groups } = dependencies;
  if (groups.length === 0) throw nothingToPrune(dependencies);
  const scores = await criterion.scores({
    graph,
    dependencies,
    seed: options.seed,
    signal: options.signal,
    taylor: context.taylor,
  });
  const removed =
    options.ratio === undefined
      ? toTarget(graph, dependencies, criterion.comparable ? scores : normalizeScores(scores), options, context)
      : selectLocally(groups, scores, options.ratio, limitsOf(dependencies, options, context));
  const removals = new Map(
    groups.flatMap((group, number): [string, Removal][] => {
      const channels = removed[number] ?? [];
      return channels.length > 0 ? [[group.id, { channels }]] : [];
    }),
  );
  return cutChannels(graph, dependencies, removals, options, context);
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
  const from = context.from ?? costOf(graph, dependencies.shapes);
  const fits = (left: number, all: number, target: number | undefined) => target === undefined || left <= target * all;
  const met =
    fits(macs, from.macs, options.targets.macs) && fits(parameters, from.parameters, options.targets.parameters);
  return { ...result, dependencies, macs, parameters, met };
}

function toTarget(
  graph: Graph,
  dependencies: Dependencies,
  scores: Float64Array[],
  options: PruneOptions,
  context: OneShotContext,
): number[][] {
  const { groups } = dependencies;
  const terms = costTerms(graph, dependencies);
  const counts = groups.map((group) => group.channels);
  const from = context.from ?? {
    macs: evaluate(terms, 'macs', counts),
    parameters: evaluate(terms, 'parameters', counts),
  };
  const { removed } = selectChannels(groups, scores, terms, {
    targets: options.targets,
    from,
    ...limitsOf(dependencies, options, context),
  });
  return removed;
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
