/** First-order Taylor terms of the loss, measured on data: what the criterion `taylor` reads. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Dependencies } from '../analyze/groups.js';
import { keyOf } from '../analyze/relations.js';
import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel } from '../engine/model.js';
import { throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { crossEntropy } from '../train/loss.js';
import { classifierOutput } from '../train/output.js';
import type { TaylorScores } from './criterion.js';

/**
 * Runs `source` once, forward and backward, batch norms frozen. For each axis that makes or scales channels of a group,
 * the products gradient·weight are summed over the other axes, squared, and added up over the batches (Molchanov et al.
 * 2019, equation 8, with a batch for a sample).
 */
export async function measureTaylor(
  engine: Engine,
  graph: Graph,
  dependencies: Dependencies,
  source: BatchSource,
  signal: AbortSignal | undefined,
): Promise<TaylorScores> {
  const { tf } = engine;
  const model = buildModel(engine, graph);
  const { logits: output } = classifierOutput(graph);
  const axes = dependencies.groups.flatMap((group) =>
    group.members.filter(({ role, value }) => role !== 'reads' && model.variables.has(value)),
  );
  const totals = new Map(
    axes.map((axis) => [keyOf(axis), new Float64Array(graph.initializers.get(axis.value)?.dims[axis.axis] ?? 0)]),
  );
  try {
    for await (const { inputs, shape, layout, labels } of source.batches(0)) {
      throwIfAborted(signal);
      const sums = tf.tidy(() => {
        const images = tf.tensor(inputs, shape);
        const targets = tf.tensor1d(labels, 'int32');
        const loss = () => {
          const [logits] = model.forwardTo([output], [{ tensor: images, layout }], {
            training: true,
            seed: 0,
            batchNorm: 'frozen',
          });
          return crossEntropy(tf, logits as tfjs.Tensor2D, targets);
        };
        const { grads } = tf.variableGrads(loss, [...model.variables.values()]);
        return axes.map(({ value, axis }) => {
          const variable = model.variables.get(value);
          const gradient = variable && grads[variable.name];
          if (!variable || !gradient) return tf.zeros([0]);
          const product = model.inOnnxOrder(value, tf.mul(variable, gradient));
          return tf.sum(
            product,
            product.shape.map((_, other) => other).filter((other) => other !== axis),
          );
        });
      });
      for (const [index, axis] of axes.entries()) {
        const total = totals.get(keyOf(axis));
        const values = await sums[index]?.data();
        values?.forEach((sum, element) => {
          if (total) total[element] = (total[element] ?? 0) + sum * sum;
        });
      }
      tf.dispose(sums);
    }
  } finally {
    model.dispose();
  }
  return (value, axis) => totals.get(keyOf({ value, axis }));
}
