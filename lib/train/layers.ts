/**
 * Fine-tuning that spares what a network has learnt: smaller learning rates towards the input, and layers that are learnt
 * one after the other, the last one first (Howard and Ruder, "Universal Language Model Fine-tuning", arXiv 1801.06146).
 */

import { learnableInitializers } from '../analyze/learnable.js';
import type { Graph } from '../graph/graph.js';
import type { TrainOptions } from './options.js';

export interface LayerwiseOptions {
  /** Factor on the learning rate from one layer to the one before it. 1: the same for all. */
  layerDecay: number;
  /** Epochs over which the layers join in, the last one at once, the first one at their end. 0: all at once. */
  unfreeze: number;
}

/**
 * For each learnt initializer, how many layers with weights come after its own; 0 for the last one. What has no weight of
 * two axes or more (norms, slopes) goes with the layer before it.
 */
export function layersBehind(graph: Graph): Map<string, number> {
  const { parameters } = learnableInitializers(graph);
  const layerOf = new Map<string, number>();
  let layer = -1;
  for (const node of graph.nodes) {
    const own = node.inputs.filter((name) => parameters.has(name));
    if (own.some((name) => (graph.initializers.get(name)?.dims.length ?? 0) >= 2)) layer++;
    for (const name of own) if (!layerOf.has(name)) layerOf.set(name, Math.max(0, layer));
  }
  return new Map([...layerOf].map(([name, index]) => [name, Math.max(0, layer) - index]));
}

/** What `train` is told for them; the first layer has an epoch of its own at least. */
export function layerwise(
  graph: Graph,
  { layerDecay, unfreeze }: LayerwiseOptions,
  epochs: number,
): Pick<TrainOptions, 'multiplier' | 'startsAfter'> {
  const behind = layersBehind(graph);
  const last = Math.max(1, ...behind.values());
  const span = Math.min(unfreeze, epochs - 1);
  return {
    ...(layerDecay === 1 ? {} : { multiplier: (name) => layerDecay ** (behind.get(name) ?? 0) }),
    ...(span <= 0 ? {} : { startsAfter: (name) => ((behind.get(name) ?? 0) / last) * span }),
  };
}
