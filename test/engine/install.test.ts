/**
 * The installer against programs of our own in place of npm, python and the compiler: what it calls, in which order,
 * what it leaves behind, and what it says when one of them is missing.
 */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { installEngine } from '../../lib/engine/install.js';
import { engineStatus } from '../../lib/engine/status.js';
import { TascnetError } from '../../lib/errors.js';

let root: string;
let cache: string;
let bin: string;
let log: string;

/** A package that answers as tfjs-node does, without any TensorFlow. */
const WORKING = `
const tensor = (dims) => ({ dims, sum: () => tensor(dims), dataSync: () => [dims[0] === 1 ? dims[3] : 9] });
module.exports = {
  backend: () => ({ binding: { TF_Version: '2.99.0' }, isUsingGpuDevice: false }),
  getBackend: () => 'tensorflow', ones: tensor, conv2d: (_, weight) => weight, grad: (f) => (x) => f(x),
};`;

function program(name: string, body: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${log}\n${body}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** npm that "installs" a package with the given main file, in whatever directory it is called. */
function fakeNpm(main: string): void {
  writeFileSync(join(root, 'main.cjs'), main);
  program(
    'npm',
    `for last; do :; done
    package=node_modules/\${last%@*}
    mkdir -p $package/binding $package/scripts
    cp ${join(root, 'main.cjs')} $package/index.js
    echo '{ "name": "fake", "version": "1.0.0" }' > $package/package.json`,
  );
}

/** pip that "downloads" a wheel: made with Python itself, so that what unpacks it is the real thing. */
function fakePython(pip: string): void {
  program(
    'python3',
    `case "$*" in
      *"pip --version"*) echo pip 99; exit 0;;
      *"pip download"*) while [ "$1" != --dest ]; do shift; done; ${pip};;
      *) exec ${PYTHON} "$@";;
    esac`,
  );
}

const PYTHON = process.env.PATH?.split(':')
  .map((directory) => join(directory, 'python3'))
  .find((path) => existsSync(path));

const WHEEL = `exec ${PYTHON} -c "
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + '/tensorflow_cpu-2.99.0-py3-none-any.whl', 'w') as wheel:
    for name in ['include/tensorflow/c/c_api.h', 'libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'python/big.py']:
        wheel.writestr('tensorflow/' + name, name)
" "$2"`;

const COMPILER = `while [ $# -gt 0 ]; do case "$1" in -o) echo built > "$2";; esac; shift; done`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tascnet-engine-'));
  cache = join(root, 'cache');
  bin = join(root, 'bin');
  log = join(root, 'log');
  mkdirSync(bin);
  writeFileSync(log, '');
  process.env.TASCNET_CACHE = cache;
  // Nothing answers there: the prebuilt library "cannot be reached".
  process.env.TFJS_NODE_CDN_STORAGE = 'http://127.0.0.1:9/';
  delete process.env.CXX;
  delete process.env.PYTHON;
  process.env.PATH = `${bin}:/bin:/usr/bin`;
  for (const name of ['c++', 'g++', 'clang++', 'python', 'python3']) program(name, 'exit 127');
  fakeNpm(WORKING);
  fakePython(WHEEL);
  program('c++', COMPILER);
});

afterEach(() => rmSync(root, { recursive: true }));

function calls(name: string): string[] {
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${name} `));
}

/** What is in the engine's folder, but for the findings of earlier tries. */
function left(): string[] {
  return readdirSync(join(cache, 'engine')).filter((name) => name !== 'probes');
}

async function refusal(work: Promise<unknown>): Promise<TascnetError> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  );
  if (!(error instanceof TascnetError)) throw new Error(`expected a refusal, got ${error}`);
  return error;
}

test('builds against a wheel where the prebuilt library is refused, and puts it in place whole', async () => {
  const said: string[] = [];
  const installed = await installEngine({ onProgress: (message) => said.push(message) });
  expect(installed).toMatchObject({ variant: 'cpu', source: 'wheel', version: '2.99.0', device: 'cpu' });
  expect(said.join('\n')).toMatch(/prebuilt library cannot be had: http:\/\/127.0.0.1:9\/ cannot be reached/);
  expect(left()).toEqual(['cpu']);
  expect(readdirSync(join(cache, 'engine', 'cpu', 'tensorflow')).sort()).toEqual([
    'libtensorflow_cc.so.2',
    'libtensorflow_framework.so.2',
  ]);
  expect(calls('npm')[0]).toMatch(/--ignore-scripts .*@tensorflow\/tfjs-node@/);
  const status = await engineStatus();
  expect(status.candidates.map(({ from }) => from)).toContain('cache');
});

test('a second call finds it, and two at once install it once', async () => {
  const both = await Promise.all([installEngine(), installEngine()]);
  expect(both.map(({ source }) => source).sort()).toEqual(['present', 'wheel']);
  expect((await installEngine()).source).toBe('present');
  expect(calls('npm')).toHaveLength(1);
});

test('a lock whose process is gone is taken over', async () => {
  mkdirSync(join(cache, 'engine'), { recursive: true });
  const { hostname } = await import('node:os');
  writeFileSync(join(cache, 'engine', 'cpu.lock'), `${hostname()} 999999999`);
  expect((await installEngine()).source).toBe('wheel');
  expect(left()).toEqual(['cpu']);
});

test('CUDA takes the package and the wheel for it', async () => {
  expect((await installEngine({ cuda: true })).variant).toBe('cuda');
  expect(calls('npm')[0]).toMatch(/tfjs-node-gpu@/);
  expect(calls('python3').find((call) => call.includes('download'))).toMatch(/ tensorflow$/);
});

test('a binding that crashes its process is reported, not met', async () => {
  fakeNpm('process.abort();');
  const error = await refusal(installEngine());
  expect(error.message).toMatch(/does not work: .*SIGABRT/);
  expect(left()).toEqual([]);
});

test.each([
  ['npm is missing', () => program('npm', 'exit 1'), /npm could not install/],
  ['there is no Python', () => program('python3', 'exit 127'), /Python 3 was not found/],
  ['there is no compiler', () => program('c++', 'exit 127'), /No C\+\+ compiler was found/],
  [
    'there is no wheel',
    () => fakePython('echo "ERROR: No matching distribution found for tensorflow" >&2; exit 1'),
    /pip found no TensorFlow for this machine: .*No matching distribution/,
  ],
  [
    'the wheel is no zip file',
    () => fakePython('echo broken > "$2/tensorflow.whl"'),
    /could not be unpacked: zipfile.BadZipFile/,
  ],
  ['the disk is full', () => fakePython('echo "OSError: No space left on device" >&2; exit 1'), /is full/],
  [
    'the compiler fails',
    () => program('c++', 'case "$*" in *--version*) exit 0;; esac; echo "x.cc:1: error: no C++17" >&2; exit 1'),
    /could not be built with c\+\+: x.cc:1: error: no C\+\+17/,
  ],
])('says what to do when %s, and leaves nothing behind', async (_, spoil, expected) => {
  spoil();
  const error = await refusal(installEngine());
  expect(error.message).toMatch(expected);
  expect(left()).toEqual([]);
});

test('stops when asked to', async () => {
  program('npm', 'sleep 30');
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 200);
  const error = await refusal(installEngine({ signal: controller.signal }));
  expect(error.exitCode).toBe(130);
  expect(left()).toEqual([]);
});

test('a cache folder that cannot be made is named', async () => {
  writeFileSync(cache, 'a file');
  expect((await refusal(installEngine())).message).toMatch(/cache directory .* cannot be made/);
});
