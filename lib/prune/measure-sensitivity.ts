/** Measures on data how the loss rises without half of each dependency group (sensitivity.ts). */

import { dependencyGroups } from '../analyze/groups.js';
import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { removeChannels } from '../surgery/remove.js';
import { evaluate } from '../train/evaluate.js';
import { criterionNamed } from './criteria/index.js';
import { measureTaylor } from './gradients.js';
import type { PruneOptions } from './options.js';
import { isHistory } from './pairs.js';
import { lowestHalf, type Sensitivity } from './sensitivity.js';

/** @param source what the loss is measured on; one epoch is read for each group. */
export async function measureSensitivity(
  engine: Engine,
  graph: Graph,
  source: BatchSource,
  options: Pick<PruneOptions, 'criterion' | 'ignore' | 'seed' | 'signal' | 'reduce'>,
  onProgress?: (done: number, total: number) => void,
): Promise<Sensitivity[]> {
  const { seed, signal, reduce } = options;
  const dependencies = dependencyGroups(graph, options.ignore);
  // The weights' history is not known yet.
  const criterion = criterionNamed(isHistory(options.criterion) ? 'l1' : options.criterion);
  const taylor =
    criterion.needs === 'gradients' ? await measureTaylor(engine, graph, dependencies, source, signal) : undefined;
  const scores = await criterion.scores({ graph, dependencies, seed, signal, taylor, reduce });
  const before = (await evaluate(engine, graph, source, { signal })).loss;
  const found: Sensitivity[] = [];
  for (const [number, { id, channels }] of dependencies.groups.entries()) {
    throwIfAborted(signal);
    onProgress?.(number, dependencies.groups.length);
    const lowest = lowestHalf(scores[number] ?? new Float64Array(channels));
    const { graph: cut } = await removeChannels(graph, new Map([[id, { channels: lowest }]]), dependencies);
    const { loss } = await evaluate(engine, cut, source, { signal });
    found.push({ id, channels, removed: lowest.length, rise: loss - before });
  }
  onProgress?.(found.length, found.length);
  return found;
}
