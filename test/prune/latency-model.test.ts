import { expect, test } from '@jest/globals';
import { costOf, costTerms, evaluate } from '../../lib/analyze/cost.js';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { fitRates, predictedLatency } from '../../lib/prune/latency-model.js';
import { pruneOnce } from '../../lib/prune/one-shot.js';
import type { PruneOptions } from '../../lib/prune/options.js';
import { removeChannels } from '../../lib/surgery/remove.js';
import { FAMILIES } from '../models/families.js';

const OPTIONS: PruneOptions = {
  criterion: 'random',
  lambda: 0,
  merge: false,
  targets: {},
  roundTo: 1,
  minChannels: 1,
  maxRatio: 0.9,
  ignore: () => false,
  seed: 1,
};

function network() {
  const graph = FAMILIES.vgg16?.({ width: 0.125, size: 32, classes: 7 });
  if (!graph) throw new Error('VGG-16 is missing.');
  const dependencies = dependencyGroups(graph);
  return { graph, dependencies, cost: costOf(graph) };
}

test('terms of latency are the MACs of the nodes at their rates, also after a cut', async () => {
  const { graph, dependencies, cost } = network();
  const rates = new Map(cost.nodes.map(({ node }, index) => [node.name, 1e-6 * (1 + index)]));
  const terms = costTerms(graph, dependencies, rates);
  const counts = dependencies.groups.map(({ channels }) => channels);
  expect(evaluate(terms, 'latency', counts)).toBeCloseTo(predictedLatency(cost, rates), 6);
  const removals = new Map(
    dependencies.groups.map(({ id }, index) => [id, { channels: [0, 1].slice(0, 1 + (index % 2)) }]),
  );
  const { graph: cut } = await removeChannels(graph, removals, dependencies);
  const left = counts.map((count, index) => count - 1 - (index % 2));
  expect(evaluate(terms, 'latency', left)).toBeCloseTo(predictedLatency(costOf(cut), rates), 6);
});

test('rates that gains follow from are found again', () => {
  const { cost } = network();
  const nodes = cost.nodes.filter(({ macs }) => macs > 0);
  const known = new Map(nodes.map(({ node }, index) => [node.name, 1e-6 * (1 + (index % 3))]));
  // Each node's neighbours lose half of their MACs with it.
  const gains = nodes.slice(1).map((_, index) => {
    const lost = new Map(nodes.slice(index, index + 2).map(({ node, macs }) => [node.name, macs / 2]));
    const gain = [...lost].reduce((sum, [name, macs]) => sum + macs * (known.get(name) ?? 0), 0);
    return { lost, gain };
  });
  const rates = fitRates(cost, predictedLatency(cost, known), gains);
  for (const { lost, gain } of gains) {
    const told = [...lost].reduce((sum, [name, macs]) => sum + macs * (rates.get(name) ?? 0), 0);
    expect(told / gain).toBeCloseTo(1, 1);
  }
  // Without a measurement, all MACs take the same.
  expect(new Set(fitRates(cost, 5, []).values())).toEqual(new Set([5 / cost.macs]));
});

test('a slow layer gives more of its channels', async () => {
  const { graph, dependencies, cost } = network();
  const slow = graph.nodes.find(({ inputs }) => inputs[1] === dependencies.groups[4]?.id)?.name ?? '';
  const lostWith = async (factor: number) => {
    const rates = new Map(cost.nodes.map(({ node }) => [node.name, node.name === slow ? factor : 1]));
    const latencyModel = { rates, from: predictedLatency(cost, rates) };
    const cut = await pruneOnce(graph, { ...OPTIONS, targets: { latency: 0.7 }, latencyModel });
    expect(predictedLatency(costOf(cut.graph), rates)).toBeLessThanOrEqual(0.7 * latencyModel.from * (1 + 1e-9));
    const lost = (number: number) =>
      cut.plan.groups.find(({ id }) => id === dependencies.groups[number]?.id)?.removed.length ?? 0;
    return lost(4) / dependencies.groups.reduce((sum, _, number) => sum + lost(number), 0);
  };
  expect(await lostWith(30)).toBeGreaterThan(2 * (await lostWith(1)));
});
