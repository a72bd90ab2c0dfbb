/**
 * Which channels of a group leave by their history, and which of those that stay is the twin of each (TASCNet section
 * III-B; HBFP, arXiv 2102.00160): one after the other the channel goes of which least is lost.
 */

import { cosinePairs } from '../native.js';

/** What is lost with a channel worth `worth` whose most similar other channel is as similar as `cosine` says. */
const LOSSES = {
  /** The part of what it does for the loss that its twin does not do. */
  history: (worth: number, cosine: number) => worth * (1 - Math.max(0, cosine) ** 2),
  /** As the paper has it: the most similar pairs, whatever their size. */
  'history-cosine': (_: number, cosine: number) => 1 - cosine,
  'history-l1': (worth: number) => worth,
};

/** Names of the criteria that record the training. */
export type HistoryCriterion = keyof typeof LOSSES;

export function isHistory(criterion: string): criterion is HistoryCriterion {
  return Object.hasOwn(LOSSES, criterion);
}

/** Whether channels are worth what they do for the loss (Taylor), which says the same in every group; else their summed L1. */
export function isWorthByLoss(criterion: string): boolean {
  return criterion === 'history';
}

/** Two channels of one group, by number, ascending. */
export type Pair = readonly [number, number];

/** In which order the channels of a group go, all but the last. */
export interface Departures {
  order: Leaving[];
  /** What each channel is worth. */
  worth: Float64Array;
  /** Cosines of every two channels, channels × channels. */
  similarities: Float64Array;
}

/**
 * @param gram products of the channels' concatenated histories, channels × channels.
 * @param worth what each channel is worth: see `isWorthByLoss`.
 */
export async function departuresOf(
  gram: Float64Array,
  worth: Float64Array,
  criterion: HistoryCriterion,
): Promise<Departures> {
  const similarities = await similaritiesOf(gram, worth.length);
  return { order: leastLost(similarities, worth, criterion), worth, similarities };
}

/** For each of the first `count` channels to go, in order, its pair with the most similar channel that stays. */
export function similarPairs({ order, worth, similarities }: Departures, count: number): Pair[] {
  const leaving = order.slice(0, count).map(({ channel }) => channel);
  const stays = worth.map(() => 1);
  for (const channel of leaving) stays[channel] = 0;
  return leaving.map((channel): Pair => {
    const twin = mostSimilar(similarities, channel, stays);
    return channel < twin ? [channel, twin] : [twin, channel];
  });
}

/**
 * What is lost with each channel of a group when they leave in that order: what its twin does not make up for, and never
 * less than what went before. The channel that stays to the end scores as all of them together.
 * @returns one score a channel.
 */
export function pairScores({ order, worth }: Departures): Float64Array {
  const scores = new Float64Array(worth.length).fill(-1);
  let least = 0;
  for (const { channel, cosine } of order) {
    least = Math.max(least, LOSSES.history(worth[channel] ?? 0, cosine));
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

/** Where as little is lost with several, the one with the nearest twin goes first, then the one worth least. */
function leastLost(similarities: Float64Array, worth: Float64Array, criterion: HistoryCriterion): Leaving[] {
  const channels = worth.length;
  const stays = worth.map(() => 1);
  const twins = Array.from(worth, (_, channel) => mostSimilar(similarities, channel, stays));
  const cosineOf = (channel: number) => similarities[channel * channels + (twins[channel] ?? 0)] ?? 0;
  const lossOf = LOSSES[criterion];
  const keys = twins.map((_, channel) => [lossOf(worth[channel] ?? 0, cosineOf(channel)), -cosineOf(channel)] as const);
  const before = (a: number, b: number) => {
    const [first = [0, 0], second = [0, 0]] = [keys[a], keys[b]];
    return first[0] - second[0] || first[1] - second[1] || (worth[a] ?? 0) - (worth[b] ?? 0);
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
      keys[channel] = [lossOf(worth[channel] ?? 0, cosineOf(channel)), -cosineOf(channel)];
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
