/** What goes wrong for people, before anything is trained: one sentence, exit code 1, and nothing left behind. */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import type { Graph } from '../../lib/graph/graph.js';
import { save } from '../../lib/index.js';
import { DIGITS, type Ended, tascnet } from '../cli/tascnet.js';
import { classImages, folderOf, temporaryFolder } from '../data/folders.js';
import { type GraphBuilder, graphBuilder, type Value } from '../models/builder.js';

let folder = '';
let good = '';
const at = (name: string) => join(folder, name);

function small(layers: (b: GraphBuilder, x: Value) => Value): Graph {
  const b = graphBuilder('small', { seed: 1 });
  return b.build(layers(b, b.relu(b.conv(b.input([3, 16, 16]), 16, { name: 'conv' }))));
}

const classifier = (b: GraphBuilder, x: Value) => b.gemm(b.flatten(b.globalAveragePool(x)), 5);

function altered(change: (graph: Graph) => void): Graph {
  const graph = small(classifier);
  change(graph);
  return graph;
}

beforeAll(async () => {
  folder = await temporaryFolder();
  good = await folderOf(classImages({ cat: 12, dog: 12 }));
  await save(small(classifier), at('good.onnx'));
  const unknown = altered(({ nodes, domains }) => {
    const relu = nodes.find(({ op }) => op === 'Relu');
    if (relu) Object.assign(relu, { op: 'Frobnicate', domain: 'my.domain', name: 'frob' });
    domains['my.domain'] = 1;
  });
  const broken = altered(({ initializers }) => {
    const weight = initializers.get('conv.weight');
    if (weight?.dtype === 'float32') weight.data[0] = Number.NaN;
  });
  const two = altered(({ inputs, nodes }) => {
    inputs.push({ name: 'second', dtype: 'float32', dims: ['N', 3, 16, 16] });
    const [first] = nodes;
    if (first)
      nodes.unshift({
        ...first,
        name: 'sum',
        op: 'Add',
        inputs: ['second', 'second'],
        outputs: ['twice'],
        attributes: {},
      });
  });
  await save(unknown, at('unknown.onnx'));
  await save(broken, at('nan.onnx'));
  await save(two, at('two.onnx'));
  const rows = graphBuilder('rows');
  await save(rows.build(rows.gemm(rows.input([8]), 4)), at('rows.onnx'));
  writeFileSync(at('cut.onnx'), readFileSync(DIGITS).subarray(0, 50_000));
  writeFileSync(at('text.onnx'), 'I am no model.');
  writeFileSync(at('empty.onnx'), '');
  mkdirSync(at('folder.onnx'));
  writeFileSync(at('file'), 'a regular file');
});

/** One sentence and perhaps a hint on stderr, nothing on stdout. */
function expectRefusal({ code, stdout, stderr }: Ended, expected: RegExp): void {
  expect(stderr).toMatch(expected);
  const told = stderr.trimEnd().split('\n');
  const sentence = told.findIndex((line) => line.startsWith('tascnet: '));
  expect(told.length - sentence).toBeLessThanOrEqual(2);
  expect(stderr).not.toMatch(/defect|^\s+at |tascnet: .*tascnet: /m);
  expect([code, stdout]).toEqual([1, '']);
}

const train = (command: string, model: string, data: string, out: string) =>
  tascnet([
    ...[command, '--model', model, '--data', data, '--out', out],
    ...['--preprocessing', '0..1', '--epochs', '3', '--backend', 'cpu'],
  ]);

const MODELS: [name: string, file: string, expected: RegExp][] = [
  ['a truncated model', 'cut.onnx', /cut\.onnx: .*truncated/],
  ['a text file called .onnx', 'text.onnx', /text\.onnx: this is not an ONNX model/],
  ['an empty file', 'empty.onnx', /empty\.onnx: the file is empty/],
  ['a folder called .onnx', 'folder.onnx', /folder\.onnx: this is not a file/],
  ['an absent model', 'nowhere.onnx', /nowhere\.onnx/],
  ['NaN weights', 'nan.onnx', /nan\.onnx: weight "conv\.weight" has 1 value that is NaN/],
  ['an unknown operator', 'unknown.onnx', /unknown\.onnx.*my\.domain.*Frobnicate/],
  ['two inputs', 'two.onnx', /one input, an image of four axes/],
  ['a model that takes no images', 'rows.onnx', /one input, an image of four axes/],
];

test.each(MODELS)('run refuses %s, and leaves no folder', async (_, file, expected) => {
  expectRefusal(await train('run', at(file), good, at('run')), expected);
  expect(existsSync(at('run'))).toBe(false);
});

test.each([
  ['finetune', 'nan.onnx', /NaN/],
  ['finetune', 'unknown.onnx', /Frobnicate/],
  ['search', 'cut.onnx', /truncated/],
  ['search', 'two.onnx', /one input/],
  ['prune', 'unknown.onnx', /Frobnicate/],
  ['prune', 'rows.onnx', /one input/],
])('%s refuses %s, and leaves no file', async (command, file, expected) => {
  expectRefusal(await train(command, at(file), good, at('result.onnx')), expected);
  expect(readdirSync(folder).filter((name) => name.startsWith('result'))).toEqual([]);
});

test.each([
  ['cut.onnx', /truncated/],
  ['nan.onnx', /NaN/],
  ['unknown.onnx', /unknown\.onnx.*Frobnicate/],
])('validate refuses %s', async (file, expected) => {
  expectRefusal(await tascnet(['validate', at(file)]), expected);
});

test('inspect tells what it can of a model with an unknown operator', async () => {
  const { code, stdout } = await tascnet(['inspect', at('unknown.onnx'), '--json']);
  const { nodes, macs, unknown } = JSON.parse(stdout);
  expect(code).toBe(0);
  expect(macs).toBeGreaterThan(14 * 14 * 16 * 27 - 1);
  expect(nodes[0]).toMatchObject({ name: 'conv', shape: ['N', 16, 14, 14] });
  expect(unknown[0]).toEqual({ node: 'frob', reason: expect.stringContaining('my.domain.Frobnicate') });
});

test('inspect tells of weights that are NaN or infinite', async () => {
  const [json, text, whole] = await Promise.all([
    tascnet(['inspect', at('nan.onnx'), '--json']),
    tascnet(['inspect', at('nan.onnx')]),
    tascnet(['inspect', at('good.onnx'), '--json']),
  ]);
  expect(JSON.parse(json.stdout).nonFinite).toEqual([{ tensor: 'conv.weight', count: 1 }]);
  expect([text.code, text.stdout]).toEqual([
    0,
    expect.stringMatching(/^NaN or infinite: conv\.weight: 1 of its values$/m),
  ]);
  expect(JSON.parse(whole.stdout).nonFinite).toEqual([]);
});

const images = (corrupt: number) => {
  const files: Record<string, string | number> = classImages({ cat: 20, dog: 20 });
  for (const name of Object.keys(files).slice(0, corrupt)) files[name] = 'no picture';
  return folderOf(files);
};

test.each([
  ['one class', () => folderOf(classImages({ cat: 12 })), /only one class \("cat"\)/],
  ['no class', () => folderOf({ 'note.txt': 'none' }), /holds no class folders/],
  ['only corrupt images', () => images(40), /40 of the 40 images .* cannot be decoded/],
  ['too many corrupt images', () => images(3), /3 of the 40 images .* cannot be decoded.*\nAt most 5 %/],
  ['too few images', () => folderOf(classImages({ cat: 1, dog: 12 })), /"cat" has 1 image, too few/],
  ['an absent folder', async () => at('nowhere'), /nowhere does not exist/],
  ['a file', async () => at('file'), /is a file/],
])('run refuses data of %s, and leaves no folder', async (_, data, expected) => {
  expectRefusal(await train('run', at('good.onnx'), await data(), at('deep/run')), expected);
  expect(existsSync(at('deep'))).toBe(false);
});

test('run refuses data with an empty class, and names it', async () => {
  const data = await folderOf(classImages({ cat: 12, dog: 12 }));
  mkdirSync(join(data, 'zebra'));
  expectRefusal(await train('run', at('good.onnx'), data, at('run')), /zebra" holds no image/);
});

test.each([
  ['run', 'file/run'],
  ['finetune', 'file/x.onnx'],
  ['search', 'file/x.onnx'],
  ['prune', 'file/x.onnx'],
])('%s finds out before training that --out %s cannot be written', async (command, out) => {
  const ended = await train(command, at('good.onnx'), good, at(out));
  expectRefusal(ended, /cannot be written/);
  expect(ended.stderr).not.toMatch(/loss/);
});

test('a plan that cannot be written is found out before the model is written', async () => {
  const args = [
    'prune',
    '--model',
    DIGITS,
    '--out',
    at('small.onnx'),
    '--ratio',
    '0.5',
    '--plan',
    at('file/plan.json'),
  ];
  expectRefusal(await tascnet(args), /plan\.json cannot be written/);
  expect(existsSync(at('small.onnx'))).toBe(false);
});

const hasProc = process.platform === 'linux';
if (!hasProc) process.stderr.write('skipped, as only Linux has /proc: a folder in /proc is refused\n');

(hasProc ? test : test.skip)('a folder in /proc is refused and not waited for', async () => {
  expectRefusal(await train('run', at('good.onnx'), good, '/proc/run'), /"\/proc\/run" cannot be written/);
});

test('a folder that holds a run is not written over', async () => {
  const out = at('earlier');
  mkdirSync(out);
  writeFileSync(join(out, 'run.json'), '{}');
  expectRefusal(await train('run', at('good.onnx'), good, out), /already holds a run.*\n.*--resume/);
  expectRefusal(await tascnet(['run', '--resume', out]), /run\.json is not the record of a run/);
  expect(readFileSync(join(out, 'run.json'), 'utf8')).toBe('{}');
  rmSync(out, { recursive: true });
});
