/** The package as it is published: what npm would put into it, in somebody's project, beside what it depends on. */

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import * as library from '../../lib/index.js';
import { addonInfo } from '../../lib/native.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const app = mkdtempSync(join(tmpdir(), 'tascnet-package-'));
afterAll(() => rmSync(app, { recursive: true, force: true }));

const modules = join(app, 'node_modules');
const installed = join(modules, 'tascnet');
const packed = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' });
if (packed.status !== 0) throw new Error(`npm pack: ${packed.error?.message ?? packed.stderr}`);
const [{ files }] = JSON.parse(packed.stdout) as [{ files: { path: string }[] }];
for (const { path } of files) {
  mkdirSync(dirname(join(installed, path)), { recursive: true });
  cpSync(join(root, path), join(installed, path));
}
for (const name of readdirSync(join(root, 'node_modules')))
  if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));

const env = { ...process.env, TASCNET_ADDON: addonInfo().path };
const model = join(root, 'demo', 'digits-0-4.onnx');

function node(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: app, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

test('the command works from it, its child process included', () => {
  const main = join(installed, 'dist', 'cli', 'main.js');
  expect(node(main, 'inspect', model)).toContain('can be pruned');
  const out = join(app, 'half.onnx');
  node(main, 'prune', '--model', model, '--out', out, '--ratio', '0.5', '--measure');
  expect(node(main, 'validate', model, out)).toContain('batch 32');
});

test('the threads and processes that a chunk starts are where it looks for them', () => {
  const chunks = join(installed, 'dist', 'chunks');
  const texts = readdirSync(chunks).map((name) => readFileSync(join(chunks, name), 'utf8'));
  for (const program of [
    '../search/proposer.js',
    '../../dist/search/trial-worker.js',
    '../../dist/validate/worker.js',
  ]) {
    expect(texts.some((text) => text.includes(`"${program}"`))).toBe(true);
    expect(existsSync(join(chunks, program))).toBe(true);
  }
});

test('the library from it has the exports of the sources, and one TascnetError with the addon', () => {
  const program = `
    import * as library from 'tascnet';
    import * as native from 'tascnet/native';
    const refused = await library.inspect('none.onnx').catch((error) => error instanceof native.TascnetError);
    console.log(JSON.stringify({ names: Object.keys(library).sort(), refused }));`;
  writeFileSync(join(app, 'app.mjs'), program);
  expect(JSON.parse(node('app.mjs'))).toEqual({ names: Object.keys(library).sort(), refused: true });
});

test('the licences of the packages that became part of it go with it', () => {
  const notices = readFileSync(join(installed, 'dist', 'chunks', 'LICENSES.txt'), 'utf8');
  for (const name of ['zod', 'csv-parse', 'ml-matrix']) {
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
    expect(notices).toContain(`${name} ${version}\n`);
    expect(notices).toContain(readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8').trim());
  }
});
