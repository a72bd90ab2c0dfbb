import { expect, test } from '@jest/globals';
import { costOf, costTerms, evaluate } from '../../lib/analyze/cost.js';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { FAMILIES } from '../models/families.js';

const SMALL = { width: 0.125, size: 64, classes: 7 };

/**
 * Counted by hand from the papers' figures: VGG-16 has 13 convolutions and 2 hidden dense layers; ResNet-18 a stem that its
 * first stage adds to, 8 inner convolutions and 3 more stages; ResNet-50 a stem, two inner convolutions in each of 16 blocks
 * and 4 stages; SqueezeNet a stem and 3 convolutions in each of 8 fire modules.
 */
test.each([
  ['vgg16', 15],
  ['resnet18', 12],
  ['resnet50', 37],
  ['squeezenet', 25],
])('%s has %i groups', (name, count) => {
  const graph = FAMILIES[name]?.(SMALL);
  if (!graph) throw new Error(`no ${name}`);
  const { groups, pinned } = dependencyGroups(graph);
  expect(groups).toHaveLength(count);
  expect(pinned).toHaveLength(1);
  expect(new Set(groups.map(({ id }) => id)).size).toBe(count);
});

test.each(Object.keys(FAMILIES))('%s: the cost terms at the given channel counts are the cost', (name) => {
  const graph = FAMILIES[name]?.(SMALL);
  if (!graph) throw new Error(`no ${name}`);
  const dependencies = dependencyGroups(graph);
  const terms = costTerms(graph, dependencies);
  const counts = dependencies.groups.map(({ channels }) => channels);
  const { macs, parameters } = costOf(graph);
  expect(evaluate(terms, 'macs', counts)).toBeCloseTo(macs, 3);
  expect(evaluate(terms, 'parameters', counts)).toBeCloseTo(parameters, 3);
});

test('an ignored weight pins its group, with the reason', () => {
  const graph = FAMILIES.vgg16?.(SMALL);
  if (!graph) throw new Error('no vgg16');
  const [first] = dependencyGroups(graph).groups;
  const { groups, pinned } = dependencyGroups(graph, (name) => name === first?.id);
  expect(groups).toHaveLength(14);
  expect(pinned.some(({ reason }) => reason.includes('ignore'))).toBe(true);
});
