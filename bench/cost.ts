/** The cost of many configurations of ResNet-50. */

import { costTerms, evaluate, type Term } from '../lib/analyze/cost.js';
import { dependencyGroups } from '../lib/analyze/groups.js';
import { randomGenerator } from '../lib/graph/random.js';
import { compileCost } from '../lib/native.js';
import { resnet50 } from '../test/models/families.js';
import { type Comparison, median, milliseconds } from './case.js';

const COUNT = 200_000;
const CHECKED = 2000;
const KINDS = ['macs', 'parameters'] as const;

function problem(): { terms: Term[]; groups: number; configurations: Int32Array } {
  const graph = resnet50({ weights: 'zero' });
  const dependencies = dependencyGroups(graph);
  const channels = dependencies.groups.map((group) => group.channels);
  const random = randomGenerator('cost');
  const configurations = new Int32Array(COUNT * channels.length);
  for (let at = 0; at < configurations.length; at++)
    configurations[at] = 1 + Math.floor(random.next() * (channels[at % channels.length] ?? 1));
  return { terms: costTerms(graph, dependencies), groups: channels.length, configurations };
}

const compiled: Comparison['ours'] = async () => {
  const { terms, groups, configurations } = problem();
  const cost = compileCost({
    groups,
    kinds: KINDS.map((name) => ({ name, reduce: 'sum' })),
    terms: terms.map((term) => ({
      ...term,
      factors: term.factors.map((factor) => ({
        constant: factor.constant,
        channels: factor.groups.map(({ group, multiplicity }) => [group, multiplicity] as const),
      })),
    })),
  });
  const results = await cost.evaluate(configurations);
  for (let at = 0; at < CHECKED; at++)
    for (const [k, kind] of KINDS.entries()) {
      const expected = evaluate(terms, kind, configurations.subarray(at * groups, (at + 1) * groups));
      if (results[at * KINDS.length + k] !== expected)
        throw new Error(`${kind} of configuration ${at}: ${results[at * KINDS.length + k]} instead of ${expected}.`);
    }
  return () => median(5, async () => (COUNT / (await milliseconds(() => cost.evaluate(configurations)))) * 1000);
};

const plain: Comparison['ours'] = async () => {
  const { terms, groups, configurations } = problem();
  return () =>
    median(
      3,
      async () =>
        (CHECKED /
          (await milliseconds(() => {
            for (let at = 0; at < CHECKED; at++)
              for (const kind of KINDS) evaluate(terms, kind, configurations.subarray(at * groups, (at + 1) * groups));
          }))) *
        1000,
    );
};

export const comparisons: Comparison[] = [
  {
    name: 'MACs and parameters of ResNet-50',
    unit: '/s',
    better: 'higher',
    ours: compiled,
    rivalName: 'plain TypeScript',
    rival: { run: plain },
  },
];
