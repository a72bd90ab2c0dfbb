import { expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import { dependencyGroups, type Group } from '../../lib/analyze/groups.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { criterionNamed } from '../../lib/prune/criteria/index.js';
import { channelScores } from '../../lib/prune/criterion.js';
import { NORMALIZATIONS, normalizeScores } from '../../lib/prune/normalize.js';
import { chosenChannels, pruneOnce } from '../../lib/prune/one-shot.js';
import type { PruneOptions } from '../../lib/prune/options.js';
import { type Ranking, rankedTogether, selectRanked, smallestRatio } from '../../lib/prune/ranking.js';
import { optionsOfPart } from '../../lib/prune/schedule.js';
import { FAMILIES } from '../models/families.js';

const SMALL = { width: 0.25, size: 32, classes: 7 };
const OPTIONS: PruneOptions = {
  criterion: 'l1',
  lambda: 0,
  merge: false,
  targets: {},
  roundTo: 1,
  minChannels: 1,
  maxRatio: 1,
  ignore: () => false,
  seed: 1,
};

function network(name: string) {
  const graph = FAMILIES[name]?.(SMALL);
  if (!graph) throw new Error(`${name} is missing.`);
  return { graph, groups: dependencyGroups(graph).groups };
}

function groupsOf(channels: readonly number[]): Group[] {
  return channels.map((count, number) => ({ id: `g${number}`, channels: count, members: [] }));
}

test('groups of one structure in ResNet-50: stem with the streams, first convolutions, second convolutions', () => {
  const { graph, groups } = network('resnet50');
  const ranks = rankedTogether(graph, groups, 'isomorphic');
  const kindOf = (id: string) => /layer\d\.\d+\.(conv[12])/.exec(id)?.[1] ?? id;
  const byRank = new Map<number, Set<string>>();
  for (const [number, { id }] of groups.entries())
    byRank.set(ranks[number] ?? -1, (byRank.get(ranks[number] ?? -1) ?? new Set()).add(kindOf(id)));
  // However wide they are; every residual stream has its own number of blocks.
  for (const kinds of byRank.values()) expect(kinds.size).toBe(1);
  expect(byRank.size).toBeLessThan(groups.length / 4);
  expect(new Set(rankedTogether(graph, groups, 'global')).size).toBe(1);
  expect(new Set(rankedTogether(graph, groups, 'local')).size).toBe(groups.length);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'the lowest channels of each rank go, as sorting all of them says (case %d)',
  (seed) => {
    const random = randomGenerator('ranking', seed);
    const groups = groupsOf(Array.from({ length: 6 }, () => 2 + Math.floor(30 * random.next())));
    const scores = groups.map(({ channels }) => Float64Array.from({ length: channels }, () => random.next()));
    const rankOf = groups.map(() => Math.floor(3 * random.next()));
    const ratioOf = [0.2, 0.5, 0.7];
    const limits = {
      roundTo: 1,
      minChannels: 1,
      maxRatio: 1,
      originalChannels: groups.map(({ channels }) => channels),
    };
    const shares = rankOf.map((rank) => ({ rank, ratio: ratioOf[rank] ?? 0 }));
    const removed = selectRanked(groups, scores, shares, limits);
    for (const rank of new Set(rankOf)) {
      const members = groups.flatMap((_, group) => (rankOf[group] === rank ? [group] : []));
      const total = members.reduce((sum, group) => sum + (groups[group]?.channels ?? 0), 0);
      const gone = members.reduce((sum, group) => sum + (removed[group]?.length ?? 0), 0);
      expect(Math.abs(gone - total * (ratioOf[rank] ?? 0))).toBeLessThanOrEqual(1);
      const all = members.flatMap((group) =>
        [...(scores[group] ?? [])].map((score, channel) => ({ group, channel, score })),
      );
      const isGone = ({ group, channel }: { group: number; channel: number }) =>
        removed[group]?.includes(channel) ?? false;
      const highest = Math.max(...all.filter(isGone).map(({ score }) => score));
      // Whatever stays below that is the last of its group.
      for (const one of all.filter((other) => other.score < highest && !isGone(other)))
        expect(removed[one.group]).toHaveLength((groups[one.group]?.channels ?? 0) - 1);
    }
  },
);

test('limits and multiples hold for ranks of several groups', () => {
  const groups = groupsOf([32, 32]);
  const scores = [new Float64Array(32).map((_, index) => index / 100), new Float64Array(32).fill(5)];
  const limits = { roundTo: 8, minChannels: 1, maxRatio: 0.5, originalChannels: [32, 32] };
  const shares = groups.map(() => ({ rank: 0, ratio: 0.5 }));
  // All of the lower half are in the first group, which may not lose them; the second makes up for them.
  expect(selectRanked(groups, scores, shares, limits).map(({ length }) => length)).toEqual([16, 16]);
});

test('the smallest ratio that fits', () => {
  expect(smallestRatio(0.9, (ratio) => ratio >= 0.37)).toBeCloseTo(0.37, 5);
  expect(smallestRatio(0.9, () => false)).toBe(0.9);
  expect(smallestRatio(0.9, () => true)).toBeLessThan(1e-5);
});

test.each(['local', 'isomorphic', 'global'] as const)('%s ranking meets a target', async (ranking) => {
  const { graph } = network('resnet18');
  const options = { ...OPTIONS, targets: { macs: 0.5, parameters: 0.6 }, ranking };
  const { macs, parameters, met } = await pruneOnce(graph, options);
  const whole = costOf(graph);
  expect(met).toBe(true);
  expect(macs).toBeLessThanOrEqual(0.5 * whole.macs);
  expect(macs).toBeGreaterThan(0.3 * whole.macs);
  expect(parameters).toBeLessThanOrEqual(0.6 * whole.parameters);
});

test('a ratio of its own for a layer, with a ratio and towards a target', async () => {
  const { graph, groups } = network('vgg16');
  const [first = '', second = ''] = groups.map(({ id }) => id);
  const matches = (initializer: string) => initializer === second;
  const overrides = [
    { pattern: '*', matches: () => true, ratio: 0.5 },
    { pattern: second, matches, ratio: 0.25 },
  ];
  const lostOf = async (options: Partial<PruneOptions>) => {
    const { plan } = await pruneOnce(graph, { ...OPTIONS, ...options });
    return new Map(plan.groups.map(({ id, removed, channels }) => [id, removed.length / channels]));
  };
  const lost = await lostOf({ ratio: 0.75, overrides });
  expect([lost.get(first), lost.get(second)]).toEqual([0.5, 0.25]);
  const others = await lostOf({ ratio: 0.75, overrides: overrides.slice(1) });
  expect([others.get(first), others.get(second)]).toEqual([0.75, 0.25]);
  const towards = await lostOf({ targets: { macs: 0.5 }, overrides: overrides.slice(1) });
  expect(towards.get(second)).toBe(0.25);
  expect([...towards.values()].some((share) => share > 0.25)).toBe(true);
  await expect(
    pruneOnce(graph, { ...OPTIONS, ratio: 0.5, overrides: [{ pattern: 'no', matches: () => false, ratio: 0 }] }),
  ).rejects.toThrow('No weight of this model is named "no"');
});

test('cuts on the way leave equal factors of what a layer of its own ratio keeps', () => {
  const overrides = [{ pattern: 'a', matches: () => true, ratio: 0.75 }];
  const part = optionsOfPart({ ...OPTIONS, ratio: 0.5, overrides }, 1, 2);
  expect(part.overrides?.[0]?.ratio).toBeCloseTo(0.5);
  expect(part.ratio).toBeCloseTo(1 - Math.SQRT1_2);
});

test('scores of several weights become one', () => {
  const member = { value: 'w', axis: 0, perChannel: 1, indices: Int32Array.of(0, 1), role: 'makes' } as const;
  const group = { id: 'g', channels: 2, members: [member] };
  const parts = [
    { member, values: [1, 5] },
    { member: { ...member, indices: Int32Array.of(1, 0) }, values: [4, 3] },
  ];
  expect([...channelScores(group, parts)]).toEqual([4, 9]);
  expect([...channelScores(group, parts, 'mean')]).toEqual([2, 4.5]);
  expect([...channelScores(group, parts, 'max')]).toEqual([3, 5]);
  expect([...channelScores(group, [], 'max')]).toEqual([0, 0]);
});

test('scores on one scale', () => {
  const scores = [Float64Array.of(3, 4, 5), Float64Array.of(0, 0)];
  const first = (normalization: (typeof NORMALIZATIONS)[number]) => [
    ...(normalizeScores(scores, normalization)[0] ?? []),
  ];
  expect(first('none')).toEqual([3, 4, 5]);
  expect(first('mean')).toEqual([0.75, 1, 1.25]);
  expect(first('max')).toEqual([0.6, 0.8, 1]);
  expect(first('sum')).toEqual([0.25, 1 / 3, 5 / 12]);
  expect(first('l2').map((value) => value * Math.sqrt(50))).toEqual(
    [3, 4, 5].map((value) => expect.closeTo(value, 12)),
  );
  for (const each of NORMALIZATIONS) expect([...(normalizeScores(scores, each)[1] ?? [])]).toEqual([0, 0]);
});

test('towards a target all channels compete only where their scores can be compared', async () => {
  const { graph } = network('resnet18');
  const options = { ...OPTIONS, targets: { macs: 0.5 } };
  const planOf = async (more: Partial<PruneOptions>) => (await pruneOnce(graph, { ...options, ...more })).plan;
  const ways: [Partial<PruneOptions>, Ranking][] = [
    [{ criterion: 'l1' }, 'local'],
    [{ criterion: 'l1', normalize: 'max' }, 'global'],
    [{ criterion: 'lamp' }, 'global'],
  ];
  for (const [way, ranking] of ways) expect(await planOf(way)).toEqual(await planOf({ ...way, ranking }));

  // The norms of filters stand for Taylor terms.
  const dependencies = dependencyGroups(graph);
  const norms = await criterionNamed('l2').scores({ graph, dependencies, seed: 0, signal: undefined });
  const removed = (more: Partial<PruneOptions>) =>
    chosenChannels(graph, dependencies, norms, { ...options, criterion: 'taylor', ...more }, {});
  expect(removed({})).toEqual(removed({ ranking: 'local' }));
  const targets = { macs: 0.5, parameters: 0.4 };
  expect(removed({ targets })).toEqual(removed({ targets, ranking: 'global' }));
  expect(removed({ targets })).not.toEqual(removed({ targets, ranking: 'local' }));
  expect(await planOf({ criterion: 'l1', ranking: 'global' })).not.toEqual(await planOf({ criterion: 'l1' }));

  // The history method compares within groups whatever its scores are divided by.
  const scores = dependencies.groups.map(({ channels }) => Float64Array.from({ length: channels }, (_, at) => at));
  const chosen = (more: Partial<PruneOptions>) =>
    chosenChannels(graph, dependencies, scores, { ...options, criterion: 'history', ...more }, {});
  expect(chosen({ normalize: 'max' })).toEqual(chosen({ ranking: 'local' }));
  expect(chosen({ ranking: 'global' })).not.toEqual(chosen({ ranking: 'local' }));
});
