import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { costOf } from '../../lib/analyze/cost.js';
import { load } from '../../lib/formats/index.js';
import type { Graph } from '../../lib/graph/graph.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'tascnet-embed-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const MODEL = join(root, 'demo', 'digits-0-4.onnx');

function run(script: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, script), ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** Cosine similarity of two filters, axis 0. */
function cosine(graph: Graph, name: string, a: number, b: number): number {
  const weight = graph.initializers.get(name);
  if (weight?.dtype !== 'float32') throw new Error(`${name} is not there`);
  const size = weight.data.length / (weight.dims[0] ?? 1);
  const [x, y] = [a, b].map((i) => weight.data.subarray(i * size, (i + 1) * size)) as [Float32Array, Float32Array];
  const dot = (p: Float32Array, q: Float32Array) => p.reduce((sum, v, i) => sum + v * (q[i] ?? 0), 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

test('the heat map shows the cosine similarity of every pair of filters', async () => {
  const picture = join(scratch, 'filters.png');
  const { status, stdout, stderr } = run('examples/embed/filter-similarity.mjs', MODEL, picture);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => line.split(':')[0])).toEqual([
    'row 1, column 1',
    'row 1, column 2',
    'row 1, column 3',
    'row 2, column 1',
    'row 2, column 2',
  ]);
  const graph = await load(MODEL);
  const first = graph.nodes.find((node) => node.op === 'Conv');
  const [, a = '', b = '', most = ''] = /most alike: (\d+) and (\d+) \((-?[\d.]+)\)/.exec(lines[0] ?? '') ?? [];
  expect(cosine(graph, first?.inputs[1] ?? '', Number(a), Number(b))).toBeCloseTo(Number(most), 3);

  const { data, info } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([8 + 3 * 200, 8 + 2 * 200]);
  const filters = 32;
  for (const [i, j] of [
    [5, 5],
    [Number(a), Number(b)],
    [3, 17],
    [30, 2],
  ] as const) {
    const [x, y] = [j, i].map((index) => 8 + Math.floor(((index + 0.5) * 192) / filters)) as [number, number];
    const red = data[(y * info.width + x) * info.channels] ?? 0;
    const value = cosine(graph, first?.inputs[1] ?? '', i, j);
    expect(Math.abs(red - (247 + Math.abs(value) * ((value < 0 ? 33 : 178) - 247)))).toBeLessThan(2);
  }
});

test('the heat map says what it wants, and what is wrong', () => {
  expect(run('examples/embed/filter-similarity.mjs', MODEL)).toMatchObject({ status: 2, stdout: '' });
  const missing = run('examples/embed/filter-similarity.mjs', join(scratch, 'no.onnx'), join(scratch, 'no.png'));
  expect(missing.status).toBe(1);
  expect(existsSync(join(scratch, 'no.png'))).toBe(false);
});

test('the budget check counts what the cost model counts, and fails where it is exceeded', async () => {
  for (const model of [MODEL, join(root, 'test/fixtures/onnx/mobilenet_v2-dynamo.onnx')]) {
    const { macs, parameters, peakActivationBytes } = costOf(await load(model));
    const within = run('examples/embed/flops-budget.mjs', model, '--flops', `${2 * macs}`, '--parameters', '4G');
    expect(within).toEqual({
      status: 0,
      stdout: [
        `flops: ${2 * macs}, within the budget`,
        `parameters: ${parameters}, within the budget`,
        `peak-bytes: ${peakActivationBytes}`,
        '',
      ].join('\n'),
      stderr: '',
    });
  }
  const { macs } = costOf(await load(MODEL));
  const over = run('examples/embed/flops-budget.mjs', MODEL, '--flops', `${2 * macs - 1}`, '--peak-bytes', '0.1k');
  expect(over.status).toBe(1);
  expect(over.stdout).toContain(`over the budget of ${2 * macs - 1}`);
  expect(over.stdout).toContain('over the budget of 100');
  // A budget that is not understood must not pass for none.
  for (const args of [[], [MODEL, '--flop', '1'], [MODEL, '--flops', '1.2.3']])
    expect(run('examples/embed/flops-budget.mjs', ...args).status).toBe(2);
});

interface Pruned {
  parameters: [number, number];
  difference: number;
  untouched: boolean;
  removed: [number, number][];
  skipped: Record<string, string>;
}

test('a pruned LayersModel gives the outputs of the zeroed one, which stays as it was', () => {
  const { stdout } = run('test/examples/layers-models.mjs');
  const { plain, separable, branched } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, Pruned>;
  for (const result of [plain, separable, branched]) {
    expect(result?.difference).toBeLessThan(1e-5);
    expect(result?.untouched).toBe(true);
  }
  const half = (channels: number) => [channels, Math.floor(channels / 2)];
  expect(plain?.removed).toEqual([half(10), half(12), half(20)]);
  expect(separable?.removed).toEqual([half(9), half(15)]);
  expect(branched?.removed).toEqual([half(8)]);
  expect(branched?.skipped).toEqual({
    left: expect.stringContaining('ties channels together'),
    right: expect.stringContaining('ties channels together'),
    hidden: 'hidden does not leave zero as it is',
    output: 'it gives the output',
  });
  expect(plain?.parameters[1]).toBeLessThan((plain?.parameters[0] ?? 0) / 2);
});

test('the pruning example runs by itself', () => {
  expect(run('examples/embed/prune-layers-model.mjs').stdout).toMatch(/\d+ parameters, \d+ after pruning\n$/);
});
