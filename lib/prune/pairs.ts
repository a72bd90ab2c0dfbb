/**
 * Which channels of a group leave by their history, and which of those that stay is the twin of each (TASCNet section
 * III-B; HBFP, arXiv 2102.00160): one after the other the channel goes of which least is lost.
 */

import { cosinePairs } from '../native.js';

/** What is lost with a channel of summed L1 `l1` whose most similar other channel is as similar as `cosine` says. */
const LOSSES = {
  /** The part of its weights that its twin does not have. */
  history: (l1: number, cosine: number) => l1 * Math.sqrt(1 - Math.max(0, cosine) ** 2),
  /** As the paper has it: the most similar pairs, whatever their size. */
  'history-cosine': (_: number, cosine: number) => 1 - cosine,
  'history-l1': (l1: number) => l1,
};

/** Names of the criteria that record the training. */
export type HistoryCriterion = keyof typeof LOSSES;

export function isHistory(criterion: string): criterion is HistoryCriterion {
  return Object.hasOwn(LOSSES, criterion);
}

/** Two channels of one group, by number, ascending. */
export type Pair = readonly [number, number];

/** In which order the channels of a group go, all but the last. */
export interface Departures {
  order: Leaving[];
  /** Summed L1 of each channel. */
  l1: Float64Array;
  /** Cosines of every two channels, channels × channels. */
  similarities: Float64Array;
}

/**
 * @param gram products of the channels' concatenated histories, channels × channels.
 * @param l1 their summed L1.
 */
export async function departuresOf(
  gram: Float64Array,
  l1: Float64Array,
  criterion: HistoryCriterion,
): Promise<Departures> {
  const similarities = await similaritiesOf(gram, l1.length);
  return { order: leastLost(similarities, l1, criterion), l1, similarities };
}

/** For each of the first `count` channels to go, in order, its pair with the most similar channel that stays. */
export function similarPairs({ order, l1, similarities }: Departures, count: number): Pair[] {
  const leaving = order.slice(0, count).map(({ channel }) => channel);
  const stays = l1.map(() => 1);
  for (const channel of leaving) stays[channel] = 0;
  return leaving.map((channel): Pair => {
    const twin = mostSimilar(similarities, channel, stays);
    return channel < twin ? [channel, twin] : [twin, channel];
  });
}

/**
 * What is lost with each channel of a group when they leave in that order: the part of its weights that its twin does not
 * have, and never less than what went before. Divided by the group's mean L1, so that groups can be compared. The channel
 * that stays to the end scores as all of them together.
 * @returns one score a channel.
 */
export function pairScores({ order, l1 }: Departures): Float64Array {
  const channels = l1.length;
  const mean = l1.reduce((sum, value) => sum + value, 0) / channels || 1;
  const scores = new Float64Array(channels).fill(-1);
  let least = 0;
  for (const { channel, cosine } of order) {
    least = Math.max(least, LOSSES.history(l1[channel] ?? 0, cosine) / mean);
    scores[channel] = least;
  }
  const all = scores.reduce((sum, score) => sum + Math.max(0, score), 0);
  return scores.map((score) => (score < 0 ? all : score));
}

interface Leaving {
  channel: number;
  /** With the channel that was its twin when it went. */
  cosine: number;
}

/** Where as little is lost with several, the one with the nearest twin goes first, then the smallest. */
function leastLost(similarities: Float64Array, l1: Float64Array, criterion: HistoryCriterion): Leaving[] {
  const channels = l1.length;
  const stays = l1.map(() => 1);
  const twins = Array.from(l1, (_, channel) => mostSimilar(similarities, channel, stays));
  const cosineOf = (channel: number) => similarities[channel * channels + (twins[channel] ?? 0)] ?? 0;
  const lossOf = LOSSES[criterion];
  const keys = twins.map((_, channel) => [lossOf(l1[channel] ?? 0, cosineOf(channel)), -cosineOf(channel)] as const);
  const before = (a: number, b: number) => {
    const [first = [0, 0], second = [0, 0]] = [keys[a], keys[b]];
    return first[0] - second[0] || first[1] - second[1] || (l1[a] ?? 0) - (l1[b] ?? 0);
  };
  const leaving: Leaving[] = [];
  while (leaving.length < channels - 1) {
    let next = stays.indexOf(1);
    for (let channel = next + 1; channel < channels; channel++)
      if (stays[channel] === 1 && before(channel, next) < 0) next = channel;
    leaving.push({ channel: next, cosine: cosineOf(next) });
    stays[next] = 0;
    for (let channel = 0; channel < channels; channel++) {
      if (twins[channel] !== next || stays[channel] === 0) continue;
      twins[channel] = mostSimilar(similarities, channel, stays);
      keys[channel] = [lossOf(l1[channel] ?? 0, cosineOf(channel)), -cosineOf(channel)];
    }
  }
  return leaving;
}

/** The other channel of those that stay that is most like this one, the first of equal ones; itself where there is none. */
function mostSimilar(similarities: Float64Array, channel: number, stays: Float64Array): number {
  const channels = stays.length;
  let best = channel;
  for (let other = 0; other < channels; other++) {
    if (other === channel || stays[other] === 0) continue;
    const closer = (similarities[channel * channels + other] ?? 0) > (similarities[channel * channels + best] ?? 0);
    if (best === channel || closer) best = other;
  }
  return best;
}

/** Cosine similarities of every two channels, channels × channels. */
async function similaritiesOf(gram: Float64Array, channels: number): Promise<Float64Array> {
  const { first, second, similarity } = await cosinePairs(gram, channels, (channels * (channels - 1)) / 2);
  const similarities = new Float64Array(channels * channels);
  for (const [index, cosine] of similarity.entries()) {
    const [a = 0, b = 0] = [first[index], second[index]];
    similarities[a * channels + b] = cosine;
    similarities[b * channels + a] = cosine;
  }
  return similarities;
}
