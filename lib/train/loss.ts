/** Classification losses on logits. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tf } from '../ops/operator.js';

export interface CrossEntropyOptions {
  /** Share of the target spread evenly over all classes. Default 0. */
  labelSmoothing?: number;
  /** Weight of each class. Default: all 1. */
  classWeights?: readonly number[];
}

/**
 * Softmax cross-entropy of `logits` [N, classes] with class indices `labels` [N] (int32), averaged over the batch, a
 * sample counting as much as its class weighs: PyTorch's `cross_entropy` with `weight` and `label_smoothing`.
 */
export function crossEntropy(
  tf: Tf,
  logits: tfjs.Tensor2D,
  labels: tfjs.Tensor1D,
  options: CrossEntropyOptions = {},
): tfjs.Scalar {
  const { labelSmoothing = 0, classWeights } = options;
  const classes = logits.shape[1];
  const logProbabilities = tf.logSoftmax(logits);
  const oneHot = tf.oneHot(labels, classes, 1, 0, 'float32');
  const smoothed = labelSmoothing > 0 ? tf.add(tf.mul(oneHot, 1 - labelSmoothing), labelSmoothing / classes) : oneHot;
  if (!classWeights) return tf.neg(tf.div(tf.sum(tf.mul(smoothed, logProbabilities)), logits.shape[0]));
  const weights = tf.tensor1d([...classWeights]);
  const total = tf.sum(tf.mul(oneHot, weights));
  return tf.neg(tf.div(tf.sum(tf.mul(tf.mul(smoothed, weights), logProbabilities)), total));
}

/**
 * What the student's `logits` [N, classes] miss of the teacher's: T² · KL(softmax(teacher/T) ‖ softmax(student/T)),
 * averaged over the batch (Hinton, Vinyals and Dean, arXiv 1503.02531, section 2).
 */
export function distillation(tf: Tf, logits: tfjs.Tensor2D, teacher: tfjs.Tensor2D, temperature: number): tfjs.Scalar {
  const target = tf.logSoftmax(tf.div(teacher, temperature) as tfjs.Tensor2D);
  const output = tf.logSoftmax(tf.div(logits, temperature) as tfjs.Tensor2D);
  const divergence = tf.sum(tf.mul(tf.exp(target), tf.sub(target, output)));
  return tf.mul(divergence, temperature ** 2 / logits.shape[0]);
}

/** How many rows of `logits` [N, classes] are largest at their label, as a scalar. */
export function correctCount(tf: Tf, logits: tfjs.Tensor2D, labels: tfjs.Tensor1D): tfjs.Scalar {
  return tf.sum(tf.cast(tf.equal(tf.cast(tf.argMax(logits, 1), 'int32'), labels), 'float32'));
}
