import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { addonInfo } from '../../lib/native.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const app = mkdtempSync(join(tmpdir(), 'tascnet-app-'));
afterAll(() => rmSync(app, { recursive: true, force: true }));

// Somebody's project with the package in it: what `tascnet/native` consists of, and a prebuilt binary; nothing else.
const installed = join(app, 'node_modules', 'tascnet');
const prebuilt = join('prebuilds', `${process.platform}-${process.arch}`, 'tascnet.node');
for (const name of [
  'package.json',
  'dist/native.js',
  'dist/native.d.ts',
  'dist/native',
  'dist/errors.js',
  'dist/errors.d.ts',
])
  cpSync(join(root, name), join(installed, name), { recursive: true });
cpSync(addonInfo().path, join(installed, prebuilt));
writeFileSync(join(app, 'package.json'), '{ "name": "app" }');

function node(args: string[], cwd = app) {
  const { TASCNET_ADDON: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

function write(name: string, text: string): string {
  writeFileSync(join(app, name), text);
  return name;
}

const USE = `
const ranked = async () => {
  const history = new native.History([3, 2], 0);
  await history.record(Float32Array.of(1, 2, 3, 4, 2, 4));
  const { first, second } = await history.topPairs(1);
  const l1 = await native.norms(Float32Array.of(3, -1, 2), [3], 0, 'l1');
  return JSON.stringify([first[0], second[0], ...(await native.rankChannels(l1)), native.addonInfo().path]);
};
`;
const expected = (path: string) => JSON.stringify([0, 2, 1, 2, 0, path]);

test('import and require find the prebuilt binary, with nothing else of the package there', () => {
  const path = join(installed, prebuilt);
  const modern = `import * as native from 'tascnet/native';${USE}console.log(await ranked());`;
  expect(node([write('app.mjs', modern)])).toBe(`${expected(path)}\n`);
  const common = `const native = require('tascnet/native');${USE}ranked().then(console.log);`;
  expect(node([write('app.cjs', common)])).toBe(`${expected(path)}\n`);
});

test('several worker threads use it at once', () => {
  const worker = `import * as native from 'tascnet/native';
    import { isMainThread, parentPort, Worker } from 'node:worker_threads';${USE}
    if (isMainThread) {
      const results = Array.from({ length: 6 }, () => {
        const thread = new Worker(new URL(import.meta.url));
        return new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
      });
      console.log((await Promise.all(results)).join('\\n'));
    } else {
      parentPort.postMessage(await ranked());
    }`;
  const lines = Array(6).fill(expected(join(installed, prebuilt)));
  expect(
    node([write('worker.mjs', worker)])
      .trim()
      .split('\n'),
  ).toEqual(lines);
});

test('code that comes from a string uses it', () => {
  const path = join(installed, prebuilt);
  const common = `const native = require('tascnet/native');${USE}`;
  const modern = `import('tascnet/native').then((native) => {${USE}ranked().then(console.log);});`;
  expect(node(['-e', `${common}ranked().then(console.log);`])).toBe(`${expected(path)}\n`);
  expect(node(['-e', modern])).toBe(`${expected(path)}\n`);
  const worker = `${common}ranked().then((result) => require('node:worker_threads').parentPort.postMessage(result));`;
  const main = `new (require('node:worker_threads').Worker)(${JSON.stringify(worker)}, { eval: true })
    .once('message', console.log).once('error', (error) => { throw error; });`;
  expect(node([write('eval.cjs', main)])).toBe(`${expected(path)}\n`);
});

test('bundles find the binary that was put beside them', () => {
  write('bundle.mjs', `import * as native from 'tascnet/native';${USE}ranked().then(console.log);`);
  const where = mkdtempSync(join(tmpdir(), 'tascnet-bundle-'));
  try {
    for (const [format, name] of [
      ['esm', 'out.mjs'],
      ['cjs', 'out.cjs'],
    ] as const) {
      const options = { entryPoints: ['bundle.mjs'], bundle: true, platform: 'node', logLevel: 'error' };
      const given = JSON.stringify({ ...options, absWorkingDir: app, format, outfile: join(where, name) });
      node(['-e', `require('esbuild').buildSync(${given})`], root);
      cpSync(addonInfo().path, join(where, 'tascnet.node'));
      expect(node([name], where)).toBe(`${expected(join(where, 'tascnet.node'))}\n`);
      rmSync(join(where, 'tascnet.node'));
      mkdirSync(join(where, 'prebuilds'), { recursive: true });
      cpSync(addonInfo().path, join(where, prebuilt));
      expect(node([name], where)).toBe(`${expected(join(where, prebuilt))}\n`);
      rmSync(join(where, 'prebuilds'), { recursive: true });
      expect(() => node([name], where)).toThrow('native addon cannot be loaded');
    }
  } finally {
    rmSync(where, { recursive: true, force: true });
  }
});

test('the types serve modules of both kinds', () => {
  const use = `
    const cuts: Promise<Float32Array[]> = native.applySurgery([
      { data: new Float32Array(4), dims: [4], axes: [{ axis: 0, keep: Int32Array.of(1) }] },
    ]);
    const history: native.History = native.createHistory([4, 2], 0);
    const cost: Promise<Record<string, number>> = native.countCost({ groups: 1, kinds: [], terms: [] }, [1]);
    const signal: native.CallOptions = { signal: AbortSignal.timeout(5) };
    // @ts-expect-error: weights are Float32Array.
    native.norms([1, 2], [2], 0, 'l1');
    // @ts-expect-error: there is no such norm.
    native.norms(new Float32Array(2), [2], 0, 'l3');
    export const all = [cuts, history, cost, signal];
  `;
  write('esm.mts', `import * as native from 'tascnet/native';${use}`);
  write('cjs.cts', `import native = require('tascnet/native');${use}`);
  const settings = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--module',
    'nodenext',
    '--target',
    'es2023',
  ];
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')];
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  expect(node([tsc, ...settings, ...types, 'esm.mts', 'cjs.cts'])).toBe('');
});
