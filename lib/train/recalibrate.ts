/** Running statistics measured anew, for a network whose weights changed without training (pruning, repair). */

import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel } from '../engine/model.js';
import { throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { float32 } from '../graph/tensor.js';
import { operatorOf } from '../ops/registry.js';
import { batchInput } from './evaluate.js';

/**
 * Sets running means and variances to the mean of those of the first `batches` batches of `source`, every layer seeing
 * activations normalised by its batch (the cumulative average that PyTorch takes for `momentum=None`).
 * A network without batch norm is returned as it is, and so is one whose data come one at a time: a single sample does
 * not vary.
 */
export async function recalibrate(
  engine: Engine,
  graph: Graph,
  source: BatchSource,
  batches: number,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Graph> {
  if (!graph.nodes.some((node) => operatorOf(node)?.buffers?.length)) return graph;
  // With ONNX momentum 0 a training batch leaves its own statistics and nothing of the old ones.
  const measuring: Graph = {
    ...graph,
    nodes: graph.nodes.map((node) =>
      operatorOf(node)?.buffers?.length
        ? { ...node, attributes: { ...node.attributes, momentum: { type: 'float' as const, value: 0 } } }
        : node,
    ),
  };
  const { tf } = engine;
  const model = buildModel(engine, measuring, { trainable: () => false });
  const sums = new Map<string, Float64Array>();
  let seen = 0;
  try {
    const outputs = model.graph.outputs.map(({ name }) => name);
    for await (const batch of source.batches(0)) {
      throwIfAborted(options.signal);
      if (batch.labels.length < 2) continue;
      tf.tidy(() => {
        model.forwardTo(outputs, [batchInput(engine, batch)], { training: true, seed: seen, batchNorm: 'train' });
      });
      for (const [name, variable] of model.buffers) {
        const values = variable.dataSync<'float32'>();
        const sum = sums.get(name) ?? new Float64Array(values.length);
        for (let index = 0; index < values.length; index++) sum[index] = (sum[index] ?? 0) + (values[index] ?? 0);
        sums.set(name, sum);
      }
      if (++seen >= batches) break;
    }
  } finally {
    model.dispose();
  }
  if (seen === 0) return graph;
  const initializers = new Map(graph.initializers);
  for (const [name, sum] of sums)
    initializers.set(
      name,
      float32(
        [sum.length],
        Float32Array.from(sum, (value) => value / seen),
      ),
    );
  return { ...graph, initializers };
}
