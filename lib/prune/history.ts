/**
 * The method's own criterion (TASCNet section III-B; HBFP, arXiv 2102.00160): filters whose weights went the same way
 * through training are redundant. Weights are recorded after every epoch; the most similar pairs are made more alike by
 * training with an extra term; then one of each pair goes, and what it fed is fed by its twin.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Dependencies, Group } from '../analyze/groups.js';
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
  const makers = groups.map((group) =>
    group.members.filter((member) => member.role === 'makes' && member.perChannel === 1),
  );
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
        for (let i = 0; i < channels; i++) {
          const row = member.indices[i] ?? 0;
          l1[i] = (l1[i] ?? 0) + (norms[row] ?? 0);
          for (let j = 0; j < channels; j++)
            gram[i * channels + j] =
              (gram[i * channels + j] ?? 0) + (products[row * extent + (member.indices[j] ?? 0)] ?? 0);
        }
      }
      return { gram, l1 };
    },
  };
}

/** Two channels of one group, by number. */
export type Pair = readonly [number, number];

/**
 * The most similar pairs of a group whose one half can all be removed: no channel that a removed one is paired with is
 * removed itself.
 * @param count channels to remove.
 */
export async function similarPairs(gram: Float64Array, l1: Float64Array, count: number): Promise<Pair[]> {
  const channels = l1.length;
  if (count < 1 || channels < 2) return [];
  const ranked = await cosinePairs(gram, channels, (channels * (channels - 1)) / 2);
  const removed = new Set<number>();
  const survivors = new Set<number>();
  const pairs: Pair[] = [];
  for (let index = 0; index < ranked.first.length && pairs.length < count; index++) {
    const pair: Pair = [ranked.first[index] ?? 0, ranked.second[index] ?? 0];
    if (pair.some((channel) => removed.has(channel))) continue;
    const [stays, goes] = smallerLast(pair, l1);
    const [kept, lost] = survivors.has(goes) ? [goes, stays] : [stays, goes];
    if (survivors.has(lost)) continue;
    removed.add(lost);
    survivors.add(kept);
    pairs.push(pair);
  }
  return pairs;
}

function smallerLast([a, b]: Pair, l1: Float64Array): Pair {
  return (l1[a] ?? 0) >= (l1[b] ?? 0) ? [a, b] : [b, a];
}

/** Of each pair the channel with the smaller summed L1 goes, and its consumers' weights are added to its twin's. */
export function removalOf(pairs: readonly Pair[], l1: Float64Array, merge: boolean): Removal {
  const survivors = new Set<number>();
  const merges: Pair[] = [];
  for (const pair of pairs) {
    const [stays, goes] = smallerLast(pair, l1);
    const [kept, lost] = survivors.has(goes) ? [goes, stays] : [stays, goes];
    survivors.add(kept);
    merges.push([lost, kept]);
  }
  const channels = merges.map(([lost]) => lost);
  return merge ? { channels, merge: merges } : { channels };
}

/**
 * The extra term of the optimise phase: λ·exp(−Σ cosine similarity of the chosen pairs) (HBFP equation 6), over the current
 * weights of every group's makers.
 */
export function pairLoss(
  { groups }: Dependencies,
  pairs: readonly (readonly Pair[])[],
  lambda: number,
): (model: Model, tf: Tf) => tfjs.Scalar {
  return (model, tf) => {
    let similarity: tfjs.Tensor = tf.scalar(0);
    for (const [number, chosen] of pairs.entries())
      for (const member of makersIn(groups[number], model)) {
        const variable = model.variables.get(member.value);
        if (chosen.length === 0 || !variable) continue;
        const weight = model.inOnnxOrder(member.value, variable);
        const order = [member.axis, ...weight.shape.map((_, axis) => axis).filter((axis) => axis !== member.axis)];
        const rows = tf.reshape(tf.transpose(weight, order), [weight.shape[member.axis] ?? 1, -1]);
        const side = (which: 0 | 1) =>
          tf.gather(
            rows,
            tf.tensor1d(
              chosen.map((pair) => member.indices[pair[which]] ?? 0),
              'int32',
            ),
          );
        const [a, b] = [side(0), side(1)];
        const norms = tf.mul(tf.sqrt(tf.sum(tf.square(a), 1)), tf.sqrt(tf.sum(tf.square(b), 1)));
        similarity = tf.add(similarity, tf.sum(tf.div(tf.sum(tf.mul(a, b), 1), tf.add(norms, 1e-12))));
      }
    return tf.mul(tf.exp(tf.neg(similarity)), lambda) as tfjs.Scalar;
  };
}

function makersIn(group: Group | undefined, model: Model): Group['members'] {
  return (group?.members ?? []).filter(
    (member) => member.role === 'makes' && member.perChannel === 1 && model.variables.has(member.value),
  );
}
