import { expect, test } from '@jest/globals';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { canGrow, growChannels } from '../../lib/surgery/grow.js';
import { BRANCHED_FAMILIES } from '../models/branched-families.js';
import { FAMILIES } from '../models/families.js';
import { MOBILE_FAMILIES } from '../models/mobile-families.js';
import { MODERN_FAMILIES } from '../models/modern-families.js';
import { RESIDUAL_FAMILIES } from '../models/residual-families.js';
import { relativeError, runModel } from '../models/runtime.js';

const ALL: [string, () => Graph][] = [
  ...Object.entries(FAMILIES).map(([name, family]): [string, () => Graph] => [
    name,
    () => family({ width: 0.125, size: 64, classes: 10, seed: 3 }),
  ]),
  ...Object.entries({ ...BRANCHED_FAMILIES, ...MOBILE_FAMILIES, ...MODERN_FAMILIES, ...RESIDUAL_FAMILIES }),
];

test.each(ALL)('%s: groups with more channels compute the same', async (name, family) => {
  const graph = family();
  const dependencies = dependencyGroups(graph);
  const random = randomGenerator('grow', name);
  const growable = dependencies.groups.filter(({ id }) => canGrow(graph, id, dependencies, random));
  const added = new Map(growable.map(({ id }) => [id, 1 + random.int(8)]));
  expect(growable.length > 0).toBe(name !== 'shufflenetV1');
  if (growable.length === 0) return;
  const grown = growChannels(graph, added, dependencies, random);
  const before = Object.values(await runModel(encodeOnnx(graph)))[0];
  const after = Object.values(await runModel(encodeOnnx(grown)))[0];
  expect(after?.dims).toEqual(before?.dims);
  expect(after?.data.every(Number.isFinite)).toBe(true);
  // The statistics of a layer norm are those of all channels.
  if (graph.nodes.some(({ op }) => op === 'LayerNormalization')) return;
  expect(relativeError(after?.data ?? new Float32Array(), before?.data ?? new Float32Array())).toBeLessThan(1e-4);
});
