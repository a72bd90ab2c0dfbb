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
import { type OneShotContext, pruneOnce } from './one-shot.js';
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

/** Cuts `graph` down to the targets of `options`, which are fractions of `context.from`. */
export async function cutInParts(
  engine: Engine,
  graph: Graph,
  data: PruneData,
  options: PruneOptions,
  retrain: RetrainOptions,
  context: Required<Pick<OneShotContext, 'from' | 'originalChannels'>>,
): Promise<CutStep> {
  const criterion = criterionNamed(options.criterion);
  const original = dependencyGroups(graph, options.ignore);
  const plans: Plan[] = [];
  let kept = new Map<string, Int32Array>();
  let current: CutStep = { graph, plan: { groups: [], pinned: original.pinned }, ...context.from };
  for (let part = 1; part <= retrain.cuts; part++) {
    throwIfAborted(options.signal);
    const taylor =
      criterion.needs === 'gradients'
        ? await measureTaylor(
            engine,
            current.graph,
            dependencyGroups(current.graph, options.ignore),
            data.calibration,
            options.signal,
          )
        : undefined;
    const cut = await pruneOnce(current.graph, optionsOfPart(options, part, retrain.cuts), { ...context, taylor });
    plans.push(cut.plan);
    kept = composeKept(kept, cut.kept);
    const graphs = { uncut: graph, cut: cut.graph };
    current = { ...cut, graph: await repaired(engine, graphs, kept, data, options, retrain) };
  }
  return { ...current, plan: composePlans(original, plans) };
}

/** Batches that running statistics are measured on: the means of a layer are steady by then. */
const STATISTICS_BATCHES = 16;

/** The repaired graph; where no repair is asked for, the cut one with the running statistics that it has now. */
export async function repaired(
  engine: Engine,
  graphs: { uncut: Graph; cut: Graph },
  kept: ReadonlyMap<string, Int32Array>,
  data: PruneData,
  options: PruneOptions,
  retrain: RetrainOptions,
): Promise<Graph> {
  if (!retrain.reconstruct) return recalibrate(engine, graphs.cut, data.calibration, STATISTICS_BATCHES, options);
  return reconstruct(engine, graphs.uncut, { graph: graphs.cut, kept }, data.calibration, options.signal);
}
