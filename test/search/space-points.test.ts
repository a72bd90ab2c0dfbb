import { expect, test } from '@jest/globals';
import type { Graph } from '../../lib/graph/graph.js';
import { int64 } from '../../lib/graph/tensor.js';
import { searchableOf } from '../../lib/search/space-of-graph.js';
import { BRANCHED_FAMILIES } from '../models/branched-families.js';
import { MOBILE_FAMILIES } from '../models/mobile-families.js';
import { MODERN_FAMILIES } from '../models/modern-families.js';
import { RESIDUAL_FAMILIES } from '../models/residual-families.js';
import { checkPoints } from './points.js';
import { SMALL_FAMILIES } from './small-families.js';

/** TASCNET_POINTS=100 tries as many points of every family, which takes some minutes. */
const asked = Number(process.env.TASCNET_POINTS ?? 0);

/** All but UNet, which is no classifier. */
const OTHERS: [string, () => Graph][] = Object.entries({
  ...BRANCHED_FAMILIES,
  ...MOBILE_FAMILIES,
  ...MODERN_FAMILIES,
  ...RESIDUAL_FAMILIES,
}).filter(([name]) => name !== 'unet');

const classesOf = (graph: Graph) => Number(graph.outputs[0]?.dims?.[1]);

test.each(Object.entries(SMALL_FAMILIES))(
  '%s: every point of its space is a valid graph, and prefix and tail make the whole',
  async (name, family) => {
    const graph = family();
    const count = asked || 12;
    const seen = await checkPoints(name, searchableOf(graph), { count, depth: 6, classes: classesOf(graph) });
    expect(seen.size).toBeGreaterThan(12);
  },
  3_600_000,
);

test.each(OTHERS)(
  '%s: every point of its space is a valid graph',
  async (name, family) => {
    const graph = family();
    await checkPoints(name, searchableOf(graph), { count: asked || 4, joined: 2, classes: classesOf(graph) });
  },
  3_600_000,
);

test('a network that is flattened by the numbers of its export loses units and channels as any other', async () => {
  const graph = SMALL_FAMILIES.resnet18?.();
  const flatten = graph?.nodes.find(({ op }) => op === 'Flatten');
  const weight = graph && [...graph.initializers].at(-2);
  if (!graph || !flatten || !weight) throw new Error('no resnet18');
  const target = int64([2], [-1, weight[1].dims[1] ?? 0]);
  const allowzero = { type: 'int' as const, value: 1 };
  const reshape = { ...flatten, op: 'Reshape', inputs: [flatten.inputs[0] ?? '', 'target'], attributes: { allowzero } };
  const exported = {
    ...graph,
    nodes: graph.nodes.map((node) => (node === flatten ? reshape : node)),
    initializers: new Map(graph.initializers).set('target', target),
  };
  const seen = await checkPoints('flattened', searchableOf(exported), { count: 24, depth: 6, classes: 10 });
  expect([...seen].filter((one) => one.startsWith('truncate=')).length).toBeGreaterThan(2);
});

test('what the points try: every kind of choice, both ways', async () => {
  const all = new Set<string>();
  for (const name of ['resnet18', 'densenet121', 'vgg16', 'squeezenet'] as const) {
    const graph = SMALL_FAMILIES[name]?.();
    if (!graph) throw new Error(`no ${name}`);
    const seen = await checkPoints(`${name} choices`, searchableOf(graph), {
      count: 8,
      depth: 6,
      joined: 8,
      classes: 10,
    });
    for (const one of seen) all.add(one);
  }
  for (const one of ['block=dropped', 'block=kept', 'kernel=1', 'kernel=3', 'activation=hard-swish', 'window=3'])
    expect(all).toContain(one);
});
