/**
 * The method's own criterion (TASCNet section III-B; HBFP, arXiv 2102.00160): filters whose weights went the same way
 * through training are redundant. Weights are recorded after every epoch; the most similar pairs are made more alike by
 * training with an extra term; then one of each pair goes, and what it fed is fed by its twin.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Dependencies, Group, Member } from '../analyze/groups.js';
import { keyOf } from '../analyze/relations.js';
import type { Model } from '../engine/model.js';
import type { Graph } from '../graph/graph.js';
import type { Tensor } from '../graph/tensor.js';
import { createHistory, type History } from '../native.js';
import type { Tf } from '../ops/operator.js';
import type { Removal } from '../surgery/remove.js';
import type { Pair } from './pairs.js';

/** The histories of the weights that make each group's channels. */
export interface GroupHistory {
  record(weights: ReadonlyMap<string, Tensor>): Promise<void>;
  /**
   * The products of the channels' concatenated histories, channels × channels, and their summed L1.
   * @param group of the recorded graph; or of what surgery left of it, and then
   * @param kept has the elements that stayed, by axis (`keyOf`), in terms of the recorded graph.
   */
  summary(
    group: Group,
    kept?: ReadonlyMap<string, Int32Array>,
  ): Promise<{ gram: Float64Array<ArrayBuffer>; l1: Float64Array<ArrayBuffer> }>;
}

export function recordHistory(graph: Graph, { groups }: Dependencies): GroupHistory {
  const histories = new Map<string, { value: string; history: History }>();
  for (const { value, axis } of groups.flatMap(makersOf)) {
    const dims = graph.initializers.get(value)?.dims;
    const key = keyOf({ value, axis });
    if (dims && !histories.has(key)) histories.set(key, { value, history: createHistory(dims, axis) });
  }
  return {
    async record(weights) {
      for (const { value, history } of histories.values()) {
        const tensor = weights.get(value);
        if (tensor?.dtype === 'float32') await history.record(tensor.data);
      }
    },
    async summary(group, kept = new Map()) {
      const { channels } = group;
      const gram = new Float64Array(channels * channels);
      const l1 = new Float64Array(channels);
      for (const member of makersOf(group)) {
        const recorded = histories.get(keyOf(member));
        if (!recorded) continue;
        const products = await recorded.history.gram();
        const norms = recorded.history.l1();
        const extent = recorded.history.channels;
        const elements = kept.get(keyOf(member));
        const { indices, perChannel } = member;
        const rowOf = (place: number) => {
          const index = indices[place] ?? 0;
          return elements?.[index] ?? index;
        };
        for (let i = 0; i < channels; i++)
          for (let part = 0; part < perChannel; part++) {
            const row = rowOf(i * perChannel + part);
            l1[i] = (l1[i] ?? 0) + (norms[row] ?? 0);
            for (let j = 0; j < channels; j++)
              gram[i * channels + j] =
                (gram[i * channels + j] ?? 0) + (products[row * extent + rowOf(j * perChannel + part)] ?? 0);
          }
      }
      return { gram, l1 };
    },
  };
}

/** Of a pair: the channel that is worth more, and the other one. */
function lesserLast([a, b]: Pair, worth: Float64Array): Pair {
  return (worth[a] ?? 0) >= (worth[b] ?? 0) ? [a, b] : [b, a];
}

/**
 * Of channels that pairs hold together the one that is worth most stays (in HBFP the one with the largest summed L1); the
 * others go, and what read them reads it.
 */
export function removalOf(pairs: readonly Pair[], worth: Float64Array, merge: boolean): Removal {
  const clusters = new Map<number, number[]>();
  for (const [a, b] of pairs) {
    const joined = [...(clusters.get(a) ?? [a]), ...(clusters.get(b) ?? [b])];
    for (const channel of joined) clusters.set(channel, joined);
  }
  const merges = [...new Set(clusters.values())].flatMap((cluster): Pair[] => {
    const kept = cluster.reduce((a, b) => lesserLast([a, b], worth)[0]);
    return cluster.filter((channel) => channel !== kept).map((lost) => [lost, kept]);
  });
  const channels = merges.map(([lost]) => lost);
  return merge ? { channels, merge: merges } : { channels };
}

/**
 * The extra term of the optimise phase: λ·exp(−Σ cosine similarity of the chosen pairs) (HBFP equation 6), over the current
 * weights that make a group's channels, taken together. A channel of zeros is similar to none, and has no gradient.
 */
export function pairLoss(
  { groups }: Dependencies,
  pairs: readonly (readonly Pair[])[],
  lambda: number,
): (model: Model, tf: Tf) => tfjs.Scalar {
  return (model, tf) => {
    let similarity: tfjs.Tensor = tf.scalar(0);
    for (const [number, chosen] of pairs.entries()) {
      const makers = makersOf(groups[number]).filter(({ value }) => model.variables.has(value));
      if (chosen.length === 0 || makers.length === 0) continue;
      const side = (which: 0 | 1) => {
        const channels = chosen.map((pair) => pair[which]);
        return tf.concat(
          makers.map((maker) => channelRows(model, tf, maker, channels)),
          1,
        );
      };
      const [a, b] = [side(0), side(1)];
      const squares = tf.mul(tf.sum(tf.square(a), 1), tf.sum(tf.square(b), 1));
      const some = tf.step(squares);
      const norms = tf.sqrt(tf.add(squares, tf.sub(1, some)));
      similarity = tf.add(similarity, tf.sum(tf.div(tf.mul(some, tf.sum(tf.mul(a, b), 1)), norms)));
    }
    return tf.mul(tf.exp(tf.neg(similarity)), lambda) as tfjs.Scalar;
  };
}

/** The weights that make some channels, one row for each. */
function channelRows(
  model: Model,
  tf: Tf,
  { value, axis, indices, perChannel }: Member,
  channels: readonly number[],
): tfjs.Tensor {
  const weight = model.inOnnxOrder(value, model.variables.get(value) ?? tf.scalar(0));
  const order = [axis, ...weight.shape.map((_, other) => other).filter((other) => other !== axis)];
  const rows = tf.reshape(tf.transpose(weight, order), [weight.shape[axis] ?? 1, -1]);
  const chosen = channels.flatMap((channel) => [...indices.subarray(channel * perChannel, (channel + 1) * perChannel)]);
  return tf.reshape(tf.gather(rows, tf.tensor1d(chosen, 'int32')), [channels.length, -1]);
}

function makersOf(group: Group | undefined): Member[] {
  return (group?.members ?? []).filter((member) => member.role === 'makes');
}
