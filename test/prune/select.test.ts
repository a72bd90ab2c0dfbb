import { expect, test } from '@jest/globals';
import type { Term } from '../../lib/analyze/cost.js';
import { evaluate } from '../../lib/analyze/cost.js';
import type { Group } from '../../lib/analyze/groups.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { normalizeScores } from '../../lib/prune/normalize.js';
import { type SelectOptions, selectChannels, selectLocally } from '../../lib/prune/select.js';

function groupsOf(channels: readonly number[]): Group[] {
  return channels.map((count, number) => ({ id: `g${number}`, channels: count, members: [] }));
}

function term(kind: Term['kind'], coefficient: number, ...groups: number[]): Term {
  const factors = groups.map((group) => ({ constant: 0, groups: [{ group, multiplicity: 1 }] }));
  return { kind, coefficient, factors };
}

/** A chain of layers: each multiplies its own channels by those of the layer before it. */
function chain(channels: readonly number[], weights: readonly number[]): Term[] {
  return channels.flatMap((_, group) => {
    const groups = group === 0 ? [0] : [group - 1, group];
    return [term('macs', weights[group] ?? 1, ...groups), term('parameters', 1, ...groups)];
  });
}

function optionsOf(channels: readonly number[], terms: Term[], options: Partial<SelectOptions>): SelectOptions {
  const from = { macs: evaluate(terms, 'macs', channels), parameters: evaluate(terms, 'parameters', channels) };
  return { targets: {}, from, roundTo: 1, minChannels: 1, maxRatio: 1, originalChannels: channels, ...options };
}

/** All ways to leave 1 … channels of each group that the limits allow. */
function allCounts(channels: readonly number[], allowed: (left: number, group: number) => boolean): number[][] {
  return channels.reduce<number[][]>(
    (counts, count, group) =>
      counts.flatMap((left) =>
        Array.from({ length: count }, (_, index) => index + 1)
          .filter((stay) => allowed(stay, group))
          .map((stay) => [...left, stay]),
      ),
    [[]],
  );
}

const random = randomGenerator('select');
const CASES = Array.from({ length: 40 }, (_, number) => {
  const channels = Array.from({ length: 1 + random.int(3) }, () => 2 + random.int(7));
  return {
    number,
    channels,
    scores: channels.map((count) => Float64Array.from({ length: count }, () => random.int(20) / 4)),
    weights: channels.map(() => 1 + random.int(9)),
    roundTo: 1 + random.int(3),
    minChannels: 1 + random.int(3),
    maxRatio: 0.3 + 0.7 * random.next(),
    targets: {
      macs: 0.2 + 0.7 * random.next(),
      parameters: random.next() < 0.5 ? 0.3 + 0.6 * random.next() : undefined,
    },
  };
});

test.each(CASES)('case $number keeps every limit and meets its targets wherever they can be met', (given) => {
  const { channels, scores, weights, roundTo, minChannels, maxRatio, targets } = given;
  const groups = groupsOf(channels);
  const terms = chain(channels, weights);
  const options = optionsOf(channels, terms, { targets, roundTo, minChannels, maxRatio });
  const chosen = selectChannels(groups, scores, terms, options);
  expect(selectChannels(groups, scores, terms, options)).toEqual(chosen);

  const left = channels.map((count, group) => count - (chosen.removed[group]?.length ?? 0));
  const meets = (counts: readonly number[]) =>
    (['macs', 'parameters'] as const).every(
      (kind) => evaluate(terms, kind, counts) <= (targets[kind] ?? 1) * options.from[kind] + 1e-9,
    );
  const allowed = (stay: number, group: number) => {
    const count = channels[group] ?? 0;
    if (stay === count) return true;
    const whole = count < roundTo || stay % roundTo === 0;
    return whole && stay >= minChannels && count - stay <= count * maxRatio + 1e-9;
  };
  for (const [group, stay] of left.entries()) expect(allowed(stay, group)).toBe(true);
  expect(chosen.met).toBe(meets(left));
  expect(chosen.met).toBe(allCounts(channels, allowed).some(meets));
  expect(chosen.macs).toBeCloseTo(evaluate(terms, 'macs', left), 9);
  expect(chosen.parameters).toBeCloseTo(evaluate(terms, 'parameters', left), 9);

  // Nothing goes that could stay.
  if (chosen.met)
    for (const [group, stay] of left.entries()) {
      const next = Array.from({ length: (channels[group] ?? 0) - stay }, (_, more) => stay + 1 + more).find((count) =>
        allowed(count, group),
      );
      if (next !== undefined) expect(meets(left.with(group, next))).toBe(false);
    }

  // The lowest go, and of equals the first.
  for (const [group, removed] of chosen.removed.entries()) {
    const score = scores[group] ?? [];
    const order = Array.from(score, (_, channel) => channel).sort((a, b) => (score[a] ?? 0) - (score[b] ?? 0) || a - b);
    expect(removed).toEqual(order.slice(0, removed.length).sort((a, b) => a - b));
  }
});

test.each(CASES)('case $number without the last step loses no more than the best choice of all', (given) => {
  const { channels, scores, weights } = given;
  // Costs that add up, each group its own: the greedy order is then the best one for whatever it saves.
  const terms = channels.map((_, group) => term('macs', weights[group] ?? 1, group));
  const options = optionsOf(channels, terms, { targets: { macs: given.targets.macs } });
  const { removed, met } = selectChannels(groupsOf(channels), scores, terms, options);
  const ascending = scores.map((score) => [...score].sort((a, b) => a - b));
  const lost = (counts: readonly number[]) =>
    counts.reduce((sum, stay, group) => {
      const gone = (ascending[group] ?? []).slice(0, (channels[group] ?? 0) - stay);
      return sum + gone.reduce((a, b) => a + b, 0);
    }, 0);
  const fits = (counts: readonly number[]) =>
    evaluate(terms, 'macs', counts) <= (given.targets.macs ?? 1) * options.from.macs + 1e-9;
  const possible = allCounts(channels, () => true).filter(fits);
  expect(met).toBe(possible.length > 0);
  if (!met) return;
  const best = Math.min(...possible.map(lost));
  const left = channels.map((count, group) => count - (removed[group]?.length ?? 0));
  const steps = left.map((_, group) => left.with(group, (left[group] ?? 0) + 1));
  const taken = steps.filter((_, group) => (removed[group]?.length ?? 0) > 0);
  if (taken.length > 0) expect(Math.min(...taken.map(lost))).toBeLessThanOrEqual(best + 1e-9);
});

test('a limit that is a whole number of channels is one', () => {
  const terms = [term('macs', 1, 0)];
  const options = optionsOf([10], terms, { targets: { macs: 0.1 }, maxRatio: 0.7 });
  expect(selectChannels(groupsOf([10]), [new Float64Array(10)], terms, options).removed[0]).toHaveLength(7);
});

test('limits hold for what was there before any pruning', () => {
  const terms = [term('macs', 1, 0)];
  const options = optionsOf([6], terms, { targets: { macs: 0.1 }, maxRatio: 0.5, originalChannels: [10] });
  const { removed, met } = selectChannels(groupsOf([6]), [new Float64Array(6)], terms, options);
  expect(removed).toEqual([[0]]);
  expect(met).toBe(false);
});

const LIMITS = { roundTo: 8, minChannels: 1, maxRatio: 0.9 };

test('a ratio takes the lowest of each group and leaves the nearest multiple', () => {
  const channels = [64, 30, 12, 5];
  const scores = channels.map((count) => Float64Array.from({ length: count }, (_, channel) => (channel * 7) % count));
  for (const ratio of [0, 0.1, 0.25, 0.5, 0.7]) {
    const removed = selectLocally(groupsOf(channels), scores, ratio, { ...LIMITS, originalChannels: channels });
    for (const [group, gone] of removed.entries()) {
      const count = channels[group] ?? 0;
      const stay = count - gone.length;
      const multiples = count < 8 ? [1, 2, 3, 4, 5] : [8, 16, 24, 32, 40, 48, 56, 64].filter((m) => m <= count);
      if (ratio === 0) multiples.push(count);
      const nearest = Math.min(...multiples.map((multiple) => Math.abs(multiple - count * (1 - ratio))));
      expect(Math.abs(stay - count * (1 - ratio))).toBeCloseTo(nearest, 9);
      const score = scores[group] ?? new Float64Array();
      const worst = Math.max(...gone.map((channel) => score[channel] ?? 0), -1);
      for (const [channel, value] of score.entries()) if (!gone.includes(channel)) expect(value).toBeGreaterThan(worst);
    }
  }
});

test('a ratio reached in small parts is reached, whatever the rounding', () => {
  let channels = [32, 64, 20];
  const originalChannels = channels;
  for (let part = 1; part <= 10; part++) {
    const ratio = 1 - 0.5 ** (part / 10);
    const groups = groupsOf(channels);
    const scores = channels.map((count) => new Float64Array(count));
    const removed = selectLocally(groups, scores, ratio, { ...LIMITS, originalChannels });
    channels = channels.map((count, group) => count - (removed[group]?.length ?? 0));
  }
  expect(channels).toEqual([16, 32, 8]);
});

test('a ratio does not go beyond the limits', () => {
  const limits = { roundTo: 1, minChannels: 3, maxRatio: 0.6, originalChannels: [20, 6] };
  const scores = [new Float64Array(20), new Float64Array(6)];
  expect(selectLocally(groupsOf([20, 6]), scores, 0.9, limits).map((gone) => gone.length)).toEqual([12, 3]);
});

test('normalised scores have mean one in each group', () => {
  const [first = [], second = [], zeros = []] = normalizeScores(
    [Float64Array.of(1, 2, 6), Float64Array.of(0.5), new Float64Array(2)],
    'mean',
  );
  expect([...first]).toEqual([1 / 3, 2 / 3, 2]);
  expect([...second]).toEqual([1]);
  expect([...zeros]).toEqual([0, 0]);
});
