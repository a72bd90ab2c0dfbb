/** What a linear classifier makes of the frozen features of a network: the least that fine-tuning has to beat. */

import type { Engine } from '../engine/engine.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { train } from '../train/train.js';
import { cutBefore, tailOf } from './cut.js';
import { type FeatureOptions, featuresAt, type SearchData } from './features.js';
import { findHead } from './head.js';

export interface ProbeOptions extends FeatureOptions {
  epochs: number;
}

/**
 * The network with its last dense layer trained on the features that it reads, all else as it is.
 * @throws TascnetError when the network ends in no dense layer; Interrupted.
 */
export async function linearProbe(
  engine: Engine,
  graph: Graph,
  data: SearchData,
  options: ProbeOptions,
): Promise<Graph> {
  const { nodes } = findHead(graph);
  const hasWeight = (name: string) => (graph.initializers.get(name)?.dims.length ?? 0) >= 2;
  const last = graph.nodes.findLast((node) => nodes.has(node) && node.inputs.some(hasWeight));
  if (!last) throw new TascnetError('The network ends in no dense layer.');
  const cut = cutBefore(graph, new Set([last]));
  const features = await featuresAt(graph, cut, data, options);
  try {
    const learnt = new Set(last.inputs);
    const trained = await train(engine, tailOf(graph, cut), features, {
      epochs: options.epochs,
      seed: options.seed,
      learningRate: 0.02,
      optimizer: { kind: 'sgd', weightDecay: 1e-4 },
      schedule: { kind: 'cosine' },
      clipNorm: 5,
      frozen: (name) => !learnt.has(name),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    const weights = [...trained.graph.initializers].filter(([name]) => learnt.has(name));
    return { ...graph, initializers: new Map([...graph.initializers, ...weights]) };
  } finally {
    features.close();
  }
}
