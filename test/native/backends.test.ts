/** One suite for every back end: the processor, a CUDA device, and the CUDA kernels emulated on the processor. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { addonInfo, type DeviceSearch } from '../../lib/native.js';
import { nearestHalf, widened } from './half-precision.js';
import { channelsOf, floats, integer, product, type Random, randomOf, subset, worstError } from './random.js';
import * as reference from './reference.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'tascnet-backends-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Case {
  call: string;
  args: unknown[];
  expected: number[];
  tolerance: number;
}
interface Answer {
  device: DeviceSearch;
  inUse?: string;
  results: { values?: number[]; error?: string }[];
}

/** Makes the calls in a process with this environment. */
function run(env: Record<string, string>, cases: readonly Pick<Case, 'call' | 'args'>[]): Answer {
  const file = join(scratch, 'cases.json');
  writeFileSync(file, JSON.stringify(cases));
  const script = fileURLToPath(new URL('backend.mjs', import.meta.url));
  const child = spawnSync(process.execPath, [script, file], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 28,
  });
  if (child.status !== 0) throw new Error(`${child.signal ?? child.status}: ${child.stderr}`);
  return JSON.parse(child.stdout) as Answer;
}

const encode = (array: ArrayLike<number>) => ({ type: array.constructor.name, values: Array.from(array) });

// Around the tiles and blocks of the kernels, long runs and side by side.
const SHAPES: [number[], number][] = [
  [[64, 3, 3, 3], 0],
  [[3, 65, 31], 1],
  [[2, 63, 32], 1],
  [[5, 130, 33], 1],
  [[700, 70], 1],
  [[1, 1], 0],
  [[2, 7, 1000], 1],
  [[9000], 0],
  [[7, 2, 5000], 1],
  [[300, 4], 0],
];

function scores(random: Random): Case[] {
  return SHAPES.flatMap(([dims, axis]): Case[] => {
    const [tensor, other] = [floats(random, product(dims)), floats(random, product(dims))];
    const given = [encode(tensor), dims, axis];
    const norms = reference.NORM_KINDS.map((kind) => {
      const expected = reference.normsOf(tensor, dims, axis, kind);
      return { call: 'norms', args: [...given, kind], expected, tolerance: 1e-12 };
    });
    const { signed } = reference.taylorOf(tensor, other, dims, axis);
    const cases: Case[] = [
      ...norms,
      {
        call: 'normsOfAll',
        args: ['l2', { data: encode(tensor), dims, axis }, { data: encode(other), dims, axis }],
        expected: [tensor, other].flatMap((each) => reference.normsOf(each, dims, axis, 'l2')),
        tolerance: 1e-12,
      },
      { call: 'taylor', args: [encode(tensor), encode(other), dims, axis], expected: signed, tolerance: 1e-10 },
      { call: 'lamp', args: given, expected: reference.lampOf(tensor, dims, axis), tolerance: 1e-12 },
    ];
    const dtype = random() < 0.5 ? 'float16' : 'bfloat16';
    const bits = Uint16Array.from(tensor, (value) => nearestHalf(dtype, value));
    const half = reference.normsOf(Float32Array.from(bits, widened[dtype]), dims, axis, 'l2');
    cases.push({ call: 'norms', args: [encode(bits), dims, axis, 'l2', { dtype }], expected: half, tolerance: 1e-12 });
    // Its last two axes exchanged.
    const [rows = 1, columns = 1] = [dims.at(-2), dims.at(-1)];
    const turned = tensor.map((_, at) => {
      const [matrix, row, column] = [Math.floor(at / (rows * columns)), at % rows, Math.floor(at / rows) % columns];
      return tensor[(matrix * rows + row) * columns + column] ?? 0;
    });
    const strides = dims.map((_, a) =>
      a === dims.length - 1 ? rows : a === dims.length - 2 ? 1 : product(dims.slice(a + 1)),
    );
    if (dims.length > 1)
      cases.push({
        call: 'norms',
        args: [encode(turned), dims, axis, 'l1', { strides }],
        expected: reference.normsOf(tensor, dims, axis, 'l1'),
        tolerance: 1e-12,
      });
    if ((dims[axis] ?? 0) > 200) return cases;
    const twice = [tensor, other].map((each) => channelsOf(each, dims, axis));
    const channels = (twice[0] ?? []).map((values, c) => [...values, ...(twice[1]?.[c] ?? [])]);
    const l1 = channels.map((values) => values.reduce((sum, v) => sum + Math.abs(v), 0));
    const expected = [...l1, ...reference.gramOf(channels)];
    return [
      ...cases,
      { call: 'geometricMedian', args: given, expected: reference.medianOf(tensor, dims, axis), tolerance: 1e-4 },
      { call: 'history', args: [[encode(tensor), encode(other)], dims, axis], expected, tolerance: 1e-4 },
    ];
  });
}

function surgery(random: Random): Case[] {
  return Array.from({ length: 40 }, (): Case => {
    const dims = Array.from({ length: integer(random, 1, 4) }, () => integer(random, 1, 14));
    const Type = [Float32Array, Float64Array, Uint8Array, Uint16Array, Int32Array][integer(random, 0, 4)] ?? Int32Array;
    const numbers = Type === Float32Array || Type === Float64Array;
    const data = new Type(product(dims)).map(() => integer(random, 0, 60));
    const axes = [...dims.keys()]
      .filter(() => random() < 0.6)
      .map((axis) => {
        const keep = subset(random, dims[axis] ?? 0);
        const removed = [...Array(dims[axis] ?? 0).keys()].filter((i) => !keep.includes(i));
        const merge = numbers && keep.length > 0 ? removed.map((from): [number, number] => [from, keep[0] ?? 0]) : [];
        return { axis, keep, merge };
      });
    const cut = { data: encode(data), dims, axes: axes.map((axis) => ({ ...axis, keep: encode(axis.keep) })) };
    return { call: 'applySurgery', args: [cut], expected: reference.surgeryOf({ data, dims, axes }), tolerance: 0 };
  });
}

function regression(random: Random): Case {
  const [inputs, outputs, count] = [40, 3, 300];
  const [x, y] = [floats(random, inputs * count), floats(random, outputs * count)];
  const expected = reference.ridgeOf(x, y, inputs, outputs, 2);
  return { call: 'leastSquares', args: [encode(x), encode(y), inputs, outputs, 2], expected, tolerance: 1e-4 };
}

const random = randomOf(71);
const CASES = [...scores(random), ...surgery(random), regression(random)];

/** The emulated CUDA half, or undefined where there is no compiler. */
function emulated(): string | undefined {
  const sources = readdirSync(join(root, 'native', 'cuda')).filter((name) => name.endsWith('.cu'));
  const library = join(scratch, 'tascnet-cuda.so');
  const flags = ['-std=c++17', '-O2', '-shared', '-fPIC', '-fvisibility=hidden', '-Wall', '-Werror'];
  const include = ['-I', join(root, 'test', 'native', 'emulation'), '-x', 'c++'];
  const paths = sources.map((name) => join(root, 'native', 'cuda', name));
  const { error, status, stderr } = spawnSync(process.env.CXX ?? 'c++', [
    ...flags,
    ...include,
    ...paths,
    '-o',
    library,
  ]);
  if (process.platform !== 'linux' || error) return undefined;
  if (status !== 0) throw new Error(stderr.toString());
  return library;
}

/** Tests that need something; without it they are left out, and that is said. */
function suite(name: string, missing: string | undefined, body: () => void): void {
  if (missing !== undefined) process.stderr.write(`skipped: ${name}: ${missing}\n`);
  (missing === undefined ? describe : describe.skip)(name, body);
}

function agrees(env: Record<string, string>, device: string | undefined): void {
  test('every call agrees with the plain reference', () => {
    const { inUse, results } = run(env, CASES);
    expect(inUse).toBe(device);
    for (const [c, { call, args, expected, tolerance }] of CASES.entries()) {
      const { values = [], error } = results[c] ?? {};
      const off = worstError(values, expected);
      if (error === undefined && off <= tolerance) continue;
      const shapes = JSON.stringify(args.filter((each) => !JSON.stringify(each).includes('values')));
      throw new Error(`case ${c}, ${call} ${shapes}: ${error ?? `off by ${off}`}`);
    }
  });
}

describe('the processor', () => agrees({ TASCNET_CUDA: '0' }, undefined));

const { device } = run({ TASCNET_CUDA: 'always' }, []);
suite('a CUDA device', device.reason, () => agrees({ TASCNET_CUDA: 'always' }, device.name));

const library = emulated();
suite('the CUDA half, emulated', library === undefined ? 'there is no C++ compiler' : undefined, () => {
  const env = { TASCNET_CUDA: 'always', TASCNET_CUDA_LIBRARY: library ?? '' };
  agrees(env, 'emulated device');

  test('a device that crashes, is not there or gives wrong answers is left alone', () => {
    for (const [how, reason] of [
      ['crash', 'SIGABRT'],
      ['none', 'No CUDA device answers'],
      ['wrong', 'CUDA kernel pairs: a wrong answer'],
    ] as const) {
      const { device: found, inUse, results } = run({ ...env, EMULATED_CUDA: how }, CASES.slice(0, 1));
      expect([found.name, inUse]).toEqual([undefined, undefined]);
      expect(found.reason).toContain(reason);
      expect(worstError(results[0]?.values ?? [], CASES[0]?.expected ?? [])).toBeLessThan(1e-12);
    }
  });

  test('what the device cannot do names the kernel where it must do all, and is done by the processor elsewhere', () => {
    const large = [{ call: 'large', args: [] }];
    const always = run({ ...env, EMULATED_CUDA: 'memory' }, large);
    expect(always.results[0]?.error).toMatch(/^CUDA kernel (reduce|pairs): out of memory$/);
    const expected = run({ TASCNET_CUDA: '0' }, large).results;
    const elsewhere = run({ ...env, TASCNET_CUDA: '1', EMULATED_CUDA: 'memory' }, large);
    expect(elsewhere.inUse).toBe('emulated device');
    expect(elsewhere.results).toEqual(expected);
  });
});

test('where a CUDA toolkit is, the CUDA half was built', () => {
  const { path } = addonInfo();
  const home = process.env.CUDA_HOME ?? process.env.CUDA_PATH ?? '/usr/local/cuda';
  const compilers = ['nvcc', join(home, 'bin', 'nvcc')];
  const toolkit = process.platform === 'linux' && compilers.some((name) => spawnSync(name, ['--version']).status === 0);
  if (!toolkit || process.env.TASCNET_CUDA === '0' || process.env.TASCNET_ADDON !== undefined) return;
  expect(existsSync(join(dirname(path), 'tascnet-cuda.so'))).toBe(true);
});
