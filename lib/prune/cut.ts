/** The cut of one step: in several parts, each scored anew and repaired, so that no part has to repair much. */

import { dependencyGroups } from '../analyze/groups.js';
import type { Engine } from '../engine/engine.js';
import { throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { composePlans } from '../surgery/compose.js';
import { composeKept } from '../surgery/kept.js';
import type { Plan } from '../surgery/plan.js';
import { recalibrate } from '../train/recalibrate.js';
import { criterionNamed } from './criteria/index.js';
import { measureTaylor } from './gradients.js';
import { type OneShot, type OneShotContext, pruneOnce } from './one-shot.js';
import type { PruneData, PruneOptions, RetrainOptions } from './options.js';
import { reconstruct } from './reconstruct.js';
import { optionsOfPart } from './schedule.js';

export interface CutStep {
  /** Repaired, not yet trained. */
  graph: Graph;
  /** In terms of the graph that the step began with. */
  plan: Plan;
  macs: number;
  parameters: number;
}

/** What the cuts of a step have in common: the costs that targets are fractions of, and the channels at first. */
export type CutContext = Required<Pick<OneShotContext, 'from' | 'originalChannels'>>;

/** One of the cuts. @param kept what the earlier ones left, by axis, in terms of the graph that the step began with. */
export type CutOnce = (
  graph: Graph,
  options: PruneOptions,
  kept: ReadonlyMap<string, Int32Array>,
) => Promise<Omit<OneShot, 'met' | 'dependencies'>>;

/** Cuts `graph` down to the targets of `options`, which are fractions of `context.from`. */
export async function cutInParts(
  engine: Engine,
  graph: Graph,
  data: PruneData,
  options: PruneOptions,
  retrain: Pick<RetrainOptions, 'cuts' | 'reconstruct'>,
  context: CutContext,
  cutOnce: CutOnce = byCriterion(engine, data, context),
): Promise<CutStep> {
  const original = dependencyGroups(graph, options.ignore);
  const plans: Plan[] = [];
  let kept = new Map<string, Int32Array>();
  let current: CutStep = { graph, plan: { groups: [], pinned: original.pinned }, ...context.from };
  for (let part = 1; part <= retrain.cuts; part++) {
    throwIfAborted(options.signal);
    const cut = await cutOnce(current.graph, optionsOfPart(options, part, retrain.cuts), kept);
    plans.push(cut.plan);
    kept = composeKept(kept, cut.kept);
    const graphs = { uncut: graph, cut: cut.graph };
    current = { ...cut, graph: await repaired(engine, graphs, kept, data, options, retrain) };
  }
  return { ...current, plan: composePlans(original, plans) };
}

/** Cuts by the criterion of the options alone. */
function byCriterion(engine: Engine, data: PruneData, context: CutContext): CutOnce {
  return async (graph, options) => {
    const { needs } = criterionNamed(options.criterion);
    const taylor =
      needs === 'gradients'
        ? await measureTaylor(engine, graph, dependencyGroups(graph, options.ignore), data.calibration, options.signal)
        : undefined;
    return pruneOnce(graph, options, { ...context, taylor });
  };
}

/** Batches that running statistics are measured on: the means of a layer are steady by then. */
const STATISTICS_BATCHES = 16;

/** The repaired graph; where no repair is asked for, the cut one with the running statistics that it has now. */
async function repaired(
  engine: Engine,
  graphs: { uncut: Graph; cut: Graph },
  kept: ReadonlyMap<string, Int32Array>,
  data: PruneData,
  options: PruneOptions,
  retrain: Pick<RetrainOptions, 'reconstruct'>,
): Promise<Graph> {
  if (!retrain.reconstruct) return recalibrate(engine, graphs.cut, data.calibration, STATISTICS_BATCHES, options);
  return reconstruct(engine, graphs.uncut, { graph: graphs.cut, kept }, data.calibration, options.signal);
}
