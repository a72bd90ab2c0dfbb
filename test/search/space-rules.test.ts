import { expect, test } from '@jest/globals';
import { TascnetError } from '../../lib/errors.js';
import { type Space, unitOf } from '../../lib/search/space.js';
import { configured, nearestPoint, searchableOf, spaceAt } from '../../lib/search/space-of-graph.js';
import { type SpaceRule, spaceRuleSchema } from '../../lib/search/space-rules.js';
import { mobilenetV2, resnet18, vgg16 } from '../models/families.js';
import { checkPoints, logitsOf } from './points.js';

const network = () => resnet18({ width: 0.25, size: 64, classes: 10, seed: 3, blocks: [1, 1, 1, 2] });

function spaceOf(rules: SpaceRule[], depth = 2, graph = network()): Space {
  return spaceAt(searchableOf(graph, { rules }), depth);
}

const named = (space: Space, name: string) => space.find((dimension) => dimension.name === name);

function complaint(rules: unknown[], graph = network()): { message: string; hint: string | undefined } {
  try {
    searchableOf(graph, { rules: rules.map((rule) => spaceRuleSchema.parse(rule)) });
  } catch (error) {
    if (error instanceof TascnetError) return { message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error('there was no complaint');
}

test('layers by name or pattern, choices by name: left out, listed, as a range', () => {
  const space = spaceOf([
    { choices: 'activation', search: false },
    { layers: 'layer4.*', choices: 'width', low: 0.1, high: 1, log: true },
    { layers: 'layer4.0.conv1', choices: 'width', values: [1, 0.5] },
    { layers: 'head', choices: 'neurons', low: 16, high: 512, log: true },
    { layers: 'head', choices: 'layers', low: 0, high: 3 },
    { layers: ['network', 'layer4.1'], choices: ['truncate', 'block'], search: false },
  ]);
  expect(space.some(({ name }) => /activation/.test(name) && name !== 'head:activation')).toBe(false);
  expect(named(space, 'head:activation')).toBeUndefined();
  expect(named(space, 'layer4.1.conv1:width')).toEqual({
    name: 'layer4.1.conv1:width',
    kind: 'real',
    low: 0.1,
    high: 1,
    log: true,
  });
  expect(named(space, 'layer4.0.conv1:width')).toMatchObject({ kind: 'ordinal', values: [0.5, 1] });
  expect(named(space, 'head:neurons3')).toMatchObject({
    kind: 'integer',
    low: 16,
    high: 512,
    log: true,
    when: { dimension: 'head:layers', in: [3] },
  });
  expect(named(space, 'network:truncate')).toBeUndefined();
  expect(named(space, 'layer4.1:block')).toBeUndefined();
});

test('a rule extends the space where the network can follow', async () => {
  const graph = mobilenetV2({ width: 0.25, size: 64, classes: 10, seed: 3, repeats: [1, 1, 1, 1, 1, 2, 1] });
  const rules = [{ layers: 'features.*', choices: 'kernel', values: [1, 3, 5, 7] }];
  const searchable = searchableOf(graph, { rules });
  const space = spaceAt(searchable, 6);
  // 1×1 convolutions have no choice of their own accord, 2×2 maps no use for a kernel of 7.
  expect(named(space, 'features.9:kernel')).toMatchObject({ values: [1, 3] });
  const before = await logitsOf(graph);
  const wider = await configured(searchable, { 'features.9:kernel': 3 }, 0);
  expect(wider.initializers.get('features.9.weight')?.dims.slice(2)).toEqual([3, 3]);
  expect([...(await logitsOf(wider)).data].map((value) => value.toFixed(3))).toEqual(
    [...before.data].map((value) => value.toFixed(3)),
  );
  await checkPoints('extended', searchable, { count: 6, depth: 6, classes: 10 });
});

test('layers can become wider by a rule, and compute the same at first', async () => {
  const graph = network();
  const rules = [{ layers: 'layer4.*', choices: 'width', low: 0.5, high: 2 }];
  const searchable = searchableOf(graph, { rules });
  const point = { 'layer4.1.conv1:width': 1.5, 'layer4.0.downsample:width': 2 };
  const wider = await configured(searchable, point, 4);
  expect(wider.initializers.get('layer4.1.conv1.weight')?.dims).toEqual([192, 256, 3, 3]);
  expect(wider.initializers.get('layer4.1.conv2.weight')?.dims).toEqual([256, 192, 3, 3]);
  const [before, after] = [await logitsOf(graph), await logitsOf(wider)];
  for (const [index, value] of before.data.entries()) expect(after.data[index]).toBeCloseTo(value, 3);
  const mixed = await configured(searchable, { ...point, 'layer4.0.conv1:width': 0.5, 'head:layers': 0 }, 4);
  expect(mixed.initializers.get('layer4.0.conv1.weight')?.dims[0]).toBe(64);
  await checkPoints('wider', searchable, { count: 6, depth: 3, classes: 10 });
});

test('conditions: a choice is asked for where another has a value; at a smaller depth it waits', () => {
  const rules: SpaceRule[] = [
    { layers: 'layer4.0.conv1', choices: 'width', when: { dimension: 'layer4.1.conv1:width', in: [0.25, 0.5] } },
  ];
  const space = spaceOf(rules);
  expect(named(space, 'layer4.0.conv1:width')).toMatchObject({ when: { dimension: 'layer4.1.conv1:width' } });
  const searchable = searchableOf(network(), { rules });
  expect(nearestPoint(searchable, 2)['layer4.0.conv1:width']).toBeUndefined();
  const narrow = nearestPoint(searchable, 2, { 'layer4.1.conv1:width': 0.5 });
  unitOf(space, narrow);
  expect(narrow['layer4.0.conv1:width']).toBe(1);
});

test('a space without the network as it is begins with the nearest point', async () => {
  const rules: SpaceRule[] = [
    { layers: 'layer4.1', choices: 'block', values: ['dropped'] },
    { layers: 'layer4.0.conv1', choices: 'width', values: [0.25, 0.75] },
  ];
  const searchable = searchableOf(network(), { rules });
  const point = nearestPoint(searchable, 2);
  expect(point).toMatchObject({ 'layer4.1:block': 'dropped', 'layer4.0.conv1:width': 0.75 });
  const graph = await configured(searchable, point, 0);
  expect(graph.initializers.has('layer4.1.conv1.weight')).toBe(false);
});

test('a head that is not searched stays; of one that is searched in part, the rest', async () => {
  const graph = vgg16({ width: 0.125, size: 64, classes: 10, seed: 2, hidden: 128 });
  const whole = searchableOf(graph, { rules: [{ layers: 'head', search: false }] });
  const point = nearestPoint(whole, 1);
  expect(Object.keys(point).filter((name) => name.startsWith('head'))).toEqual([]);
  expect(await configured(whole, point, 0)).toBe(graph);
  const part = searchableOf(graph, {
    rules: [
      { layers: 'head', search: false },
      { layers: 'head', choices: 'form', values: ['new'] },
      { layers: 'head', choices: 'dropout', values: [0.3] },
    ],
  });
  expect(nearestPoint(part, 1)).toMatchObject({ 'head:form': 'new', 'head:dropout': 0.3 });
  const dropping = await configured(part, nearestPoint(part, 1), 0);
  expect(dropping.nodes.filter(({ op }) => op === 'Gemm')).toHaveLength(3);
  const [before, after] = [await logitsOf(graph), await logitsOf(dropping)];
  for (const [index, value] of before.data.entries()) expect(after.data[index]).toBeCloseTo(value, 3);
});

test('other image sizes are a choice, where the network can take them', async () => {
  const searchable = searchableOf(network(), { imageSizes: [32, 48, 96] });
  const size = named(spaceAt(searchable, 1), 'network:image-size');
  expect(size).toEqual({ name: 'network:image-size', kind: 'ordinal', values: [32, 48, 64, 96] });
  expect(nearestPoint(searchable, 1)['network:image-size']).toBe(64);
  const small = await configured(searchable, { 'network:image-size': 32, 'layer4.1.conv1:width': 0.5 }, 0);
  expect(small.inputs[0]?.dims?.slice(1)).toEqual([3, 32, 32]);
  const seen = await checkPoints('sizes', searchable, { count: 12, depth: 4, joined: 2, classes: 10 });
  for (const one of [32, 48, 64, 96]) expect(seen).toContain(`image-size=${one}`);
  // Dense layers on a flattened map follow it, but there must be one.
  const flattened = vgg16({ width: 0.125, size: 64, classes: 10, hidden: 32 });
  const points = await checkPoints('vgg sizes', searchableOf(flattened, { imageSizes: [32, 96] }), {
    ...{ count: 12, depth: 3, joined: 2, classes: 10 },
  });
  for (const one of [32, 64, 96]) expect(points).toContain(`image-size=${one}`);
  expect(() => searchableOf(flattened, { imageSizes: [8] })).toThrow(/cannot take images of 8×8/);
});

test('what is wrong is said: the rule, the name, the value, and what was meant', () => {
  expect(complaint([{ layers: 'layer4.1.conv3', choices: 'width', values: [0.5] }])).toEqual({
    message: 'Rule 1 of the search space is about "layer4.1.conv3", but the network has no such layer or block.',
    hint: 'Did you mean "layer4.1.conv1"?',
  });
  expect(complaint([{ layers: 'quite*' }]).message).toMatch(/"quite\*", but the network has no such/);
  const choice = complaint([{ layers: 'layer4.1.conv1' }, { layers: 'layer4.1.conv1', choices: 'widht' }]);
  expect(choice.message).toMatch(/^Rule 2 .*choice "widht", which these layers do not have/);
  expect(choice.hint).toMatch(/width/);
  expect(complaint([{ layers: 'layer4.1.conv1', choices: 'width', values: [0.5, 5] }]).message).toMatch(
    /wants 5 for "layer4\.1\.conv1:width", which takes a share/,
  );
  expect(complaint([{ layers: 'layer4.1', choices: 'activation', values: ['kept', 'relo'] }]).message).toMatch(
    /wants "relo" for "layer4\.1:activation", which takes kept, relu/,
  );
  expect(complaint([{ layers: '*', choices: 'kernel', values: [0] }]).message).toMatch(/has no value that any/);
  expect(complaint([{ choices: 'width', low: 0, high: 1, log: true }]).message).toMatch(/must start above 0/);
  expect(complaint([{ layers: 'layer4.1.conv1', when: { dimension: 'layer4.1:blok', in: ['kept'] } }])).toMatchObject({
    message: expect.stringMatching(/depends on "layer4\.1:blok", which is no dimension/),
    hint: 'Did you mean "layer4.1:block"?',
  });
  expect(
    complaint([{ layers: 'layer4.1.conv1', when: { dimension: 'layer4.1:block', in: ['gone'] } }]).message,
  ).toMatch(/wants "gone" for "layer4\.1:block"/);
  for (const [rule, expected] of [
    [{ values: [1], low: 0, high: 1 }, /both a list/],
    [{ low: 0 }, /one end/],
    [{ low: 2, high: 1 }, /above its high/],
    [{ layer: 'x' }, /Unrecognized key/],
  ] as const)
    expect(spaceRuleSchema.safeParse(rule).error?.message).toMatch(expected);
});
