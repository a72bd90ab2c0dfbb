/** Scores of channels as a program without the addon would make them: in tfjs, or in loops. */

import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Tf } from '../lib/ops/operator.js';

export interface PlainHistory {
  /** The weights as a matrix in the backend's memory, a row for each channel. */
  place(weights: Float32Array): Tensor2D;
  record(weights: Tensor2D): void;
  /** Per channel the sum over all records of Σ |w|. */
  l1(): Float32Array;
  /** The k most similar pairs by their cosine, most similar first: for each its place in the matrix of all pairs. */
  topPairs(k: number): Int32Array;
}

/** The products W·Wᵀ of all records added up, from which the cosines of whole histories follow. */
export function tfjsHistory(tf: Tf, [channels = 0, ...others]: readonly number[]): PlainHistory {
  const columns = others.reduce((product, extent) => product * extent, 1);
  let gram: Tensor2D = tf.zeros([channels, channels]);
  let norm: Tensor1D = tf.zeros([channels]);
  // Each pair once, and no channel with itself.
  const above = tf.tensor2d(
    Uint8Array.from({ length: channels ** 2 }, (_, at) => (at % channels > Math.floor(at / channels) ? 1 : 0)),
    [channels, channels],
    'bool',
  );
  const replaced = <T extends Tensor>(old: T, next: () => T): T => {
    const made = tf.tidy(next);
    old.dispose();
    return made;
  };
  return {
    // Only the result of an operation lies there; what is given to tfjs does at its first use.
    place: (weights) => tf.tidy(() => tf.mul(tf.tensor2d(weights, [channels, columns]), 1)),
    record(weights) {
      gram = replaced(gram, () => tf.add(gram, tf.matMul(weights, weights, false, true)));
      norm = replaced(norm, () => tf.add(norm, tf.sum(tf.abs(weights), 1)));
    },
    l1: () => norm.dataSync<'float32'>(),
    topPairs: (k) =>
      tf.tidy(() => {
        const lengths = tf.sqrt(tf.sum<Tensor1D>(tf.mul(gram, tf.eye(channels)), 1));
        const cosine = tf.div(tf.div(gram, tf.expandDims(lengths, 0)), tf.expandDims(lengths, 1));
        const pairs = tf.where(above, cosine, tf.scalar(-2));
        return tf.topk(tf.reshape(pairs, [-1]), k).indices.dataSync<'int32'>();
      }),
  };
}

/** The L1 norm of each channel along the first axis. */
export function plainNorms(data: Float32Array, [channels = 0]: readonly number[]): Float64Array {
  const size = data.length / channels;
  const sums = new Float64Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    let sum = 0;
    for (let at = channel * size; at < (channel + 1) * size; at++) sum += Math.abs(data[at] ?? 0);
    sums[channel] = sum;
  }
  return sums;
}
