/** Accuracy and loss of a network on the engine. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Batch, BatchInput, BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel, type EngineInput, type Model } from '../engine/model.js';
import { TascnetError, throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { correctCount, crossEntropy } from './loss.js';
import type { Evaluation } from './metrics.js';
import { checkLabels, classifierOutput } from './output.js';

/** Evaluates `graph` on epoch 0 of `source`, in inference mode. */
export async function evaluate(
  engine: Engine,
  graph: Graph,
  source: BatchSource,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Evaluation> {
  const model = buildModel(engine, graph, { trainable: () => false });
  try {
    return await evaluateModel(engine, model, source, options);
  } finally {
    model.dispose();
  }
}

/** As `evaluate`, for a model that is on the engine already. */
export async function evaluateModel(
  engine: Engine,
  model: Model,
  source: BatchSource,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Evaluation> {
  const { tf } = engine;
  const { logits, classes } = classifierOutput(model.graph);
  let correct = 0;
  let loss = 0;
  let n = 0;
  for await (const batch of source.batches(0)) {
    throwIfAborted(options.signal);
    if (classes !== undefined) checkLabels(batch.labels, classes);
    const sums = tf.tidy(() => {
      const labels = tf.tensor1d(batch.labels, 'int32');
      const scores = classScores(engine, model.forwardTo([logits], [batchInput(engine, batch)], INFERENCE), batch);
      return tf.stack([correctCount(tf, scores, labels), crossEntropy(tf, scores, labels)]);
    });
    const [right = 0, mean = 0] = await sums.data();
    sums.dispose();
    correct += right;
    loss += mean * batch.labels.length;
    n += batch.labels.length;
  }
  if (n === 0) throw new TascnetError('There is no sample to evaluate on.');
  return { accuracy: correct / n, loss: loss / n, n, correct };
}

const INFERENCE = { training: false, seed: 0 } as const;

/** A batch on the engine. */
export function batchInput(engine: Engine, batch: BatchInput): EngineInput {
  return { tensor: engine.tf.tensor(batch.inputs, batch.shape, 'float32'), layout: batch.layout };
}

/** The logits as [N, classes], whatever axes of extent 1 they come with. */
export function classScores(engine: Engine, outputs: readonly tfjs.Tensor[], batch: Batch): tfjs.Tensor2D {
  const [output] = outputs;
  const n = batch.labels.length;
  if (!output || output.shape[0] !== n || output.shape.filter((extent) => extent !== 1).length > 2)
    throw new TascnetError(
      `The network gives logits of shape [${output?.shape}] for ${n} samples; [${n}, classes] was expected.`,
    );
  const classes = output.size / n;
  checkLabels(batch.labels, classes);
  return engine.tf.reshape(output, [n, classes]);
}
