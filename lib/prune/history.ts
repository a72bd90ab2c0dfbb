/**
 * The method's own criterion (TASCNet section III-B; HBFP, arXiv 2102.00160): filters whose weights went the same way
 * through training are redundant. Weights are recorded after every epoch; the most similar pairs are made more alike by
 * training with an extra term; then one of each pair goes, and what it fed is fed by its twin.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Dependencies, Group, Member } from '../analyze/groups.js';
import type { Model } from '../engine/model.js';
import type { Graph } from '../graph/graph.js';
import type { Tensor } from '../graph/tensor.js';
import { cosinePairs, createHistory, type History } from '../native.js';
import type { Tf } from '../ops/operator.js';
import type { Removal } from '../surgery/remove.js';

/** The histories of the weights that make each group's channels, by group and weight. */
export interface GroupHistory {
  record(weights: ReadonlyMap<string, Tensor>): Promise<void>;
  /** For each group the products of its channels' concatenated histories, channels × channels, and their summed L1. */
  summary(group: number): Promise<{ gram: Float64Array; l1: Float64Array }>;
}

export function recordHistory(graph: Graph, { groups }: Dependencies): GroupHistory {
  const makers = groups.map(makersOf);
  const histories = new Map<string, History>();
  for (const member of makers.flat()) {
    const dims = graph.initializers.get(member.value)?.dims;
    const key = `${member.axis}:${member.value}`;
    if (dims && !histories.has(key)) histories.set(key, createHistory(dims, member.axis));
  }
  return {
    async record(weights) {
      for (const [key, history] of histories) {
        const tensor = weights.get(key.slice(key.indexOf(':') + 1));
        if (tensor?.dtype === 'float32') await history.record(tensor.data);
      }
    },
    async summary(number) {
      const channels = groups[number]?.channels ?? 0;
      const gram = new Float64Array(channels * channels);
      const l1 = new Float64Array(channels);
      for (const member of makers[number] ?? []) {
        const history = histories.get(`${member.axis}:${member.value}`);
        if (!history) continue;
        const products = await history.gram();
        const norms = history.l1();
        const extent = history.channels;
        const { indices, perChannel } = member;
        for (let i = 0; i < channels; i++)
          for (let part = 0; part < perChannel; part++) {
            const row = indices[i * perChannel + part] ?? 0;
            l1[i] = (l1[i] ?? 0) + (norms[row] ?? 0);
            for (let j = 0; j < channels; j++)
              gram[i * channels + j] =
                (gram[i * channels + j] ?? 0) + (products[row * extent + (indices[j * perChannel + part] ?? 0)] ?? 0);
          }
      }
      return { gram, l1 };
    },
  };
}

/** Two channels of one group, by number. */
export type Pair = readonly [number, number];

/**
 * The most similar pairs of a group, of each of which one can go: a channel may be the twin of several, but none that is
 * to go is the twin of another. Where that does not give `count` pairs, those that stay are paired among themselves.
 * @param count channels to remove.
 */
export async function similarPairs(gram: Float64Array, l1: Float64Array, count: number): Promise<Pair[]> {
  return (await lossesOf(gram, l1, count)).map(({ pair }) => pair);
}

interface Loss {
  pair: Pair;
  lost: number;
  kept: number;
}

async function lossesOf(gram: Float64Array, l1: Float64Array, count: number): Promise<Loss[]> {
  const channels = l1.length;
  if (count < 1 || channels < 2) return [];
  const ranked = await cosinePairs(gram, channels, (channels * (channels - 1)) / 2);
  const removed = new Set<number>();
  const survivors = new Set<number>();
  const losses: Loss[] = [];
  for (const apart of [true, false])
    for (let index = 0; index < ranked.first.length && losses.length < count; index++) {
      const pair: Pair = [ranked.first[index] ?? 0, ranked.second[index] ?? 0];
      if (pair.some((channel) => removed.has(channel))) continue;
      const [stays, goes] = smallerLast(pair, l1);
      const [kept, lost] = survivors.has(goes) && !survivors.has(stays) ? [goes, stays] : [stays, goes];
      if (apart && survivors.has(lost)) continue;
      removed.add(lost);
      survivors.add(kept);
      losses.push({ pair, lost, kept });
    }
  return losses;
}

function smallerLast([a, b]: Pair, l1: Float64Array): Pair {
  return (l1[a] ?? 0) >= (l1[b] ?? 0) ? [a, b] : [b, a];
}

/**
 * What is lost with each channel of a group when the most similar pairs go first: the part of the lost one's weights that
 * its twin does not have, ‖w‖₁·√(1 − cos²), and never less than what went before. Divided by the group's mean L1, so that
 * groups can be compared. The channel that stays to the end scores as all of them together.
 * @returns one score a channel.
 */
export async function pairScores(gram: Float64Array, l1: Float64Array): Promise<Float64Array> {
  const channels = l1.length;
  const mean = l1.reduce((sum, value) => sum + value, 0) / channels || 1;
  const scores = new Float64Array(channels);
  const gone = new Set<number>();
  let least = 0;
  for (const { lost, kept } of await lossesOf(gram, l1, channels - 1)) {
    const squares = (gram[kept * channels + kept] ?? 0) * (gram[lost * channels + lost] ?? 0);
    const cosine = squares > 0 ? (gram[kept * channels + lost] ?? 0) / Math.sqrt(squares) : 0;
    least = Math.max(least, ((l1[lost] ?? 0) / mean) * Math.sqrt(Math.max(0, 1 - cosine ** 2)));
    scores[lost] = least;
    gone.add(lost);
  }
  const all = scores.reduce((sum, score) => sum + score, 0);
  return scores.map((score, channel) => (gone.has(channel) ? score : all));
}

/**
 * Of channels that pairs hold together the one with the largest summed L1 stays; the others go, and what read them reads
 * it. For a pair by itself: the one with the smaller L1 goes.
 */
export function removalOf(pairs: readonly Pair[], l1: Float64Array, merge: boolean): Removal {
  const clusters = new Map<number, number[]>();
  for (const [a, b] of pairs) {
    const joined = [...(clusters.get(a) ?? [a]), ...(clusters.get(b) ?? [b])];
    for (const channel of joined) clusters.set(channel, joined);
  }
  const merges = [...new Set(clusters.values())].flatMap((cluster): Pair[] => {
    const kept = cluster.reduce((a, b) => smallerLast([a, b], l1)[0]);
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
