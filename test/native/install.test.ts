import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../../', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'tascnet-install-'));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

// The package as it comes out of the tarball, with nothing built.
for (const name of ['native', 'scripts/install.mjs', 'bindings.gyp', 'binding.gyp', 'CMakeLists.txt', 'package.json']) {
  cpSync(join(root, name), join(copy, name), { recursive: true });
}
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
const binary = join(copy, 'build', 'Release', 'tascnet.node');

/** Runs the script with nothing on the PATH but what is given. */
function install(commands: Record<string, string> = {}, ...args: string[]) {
  const bin = mkdtempSync(join(copy, 'bin-'));
  for (const [name, text] of Object.entries(commands)) writeFileSync(join(bin, name), text, { mode: 0o755 });
  const script = join(copy, 'scripts', 'install.mjs');
  const env = { PATH: bin, CUDA_HOME: bin };
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env });
}

// Answers like a compiler: writes what it was asked for beside -o.
const COMPILER = '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" = -o ] && echo built > "$2"; shift; done\n';
const BROKEN = '#!/bin/sh\n[ "$1" = --version ]\n';

test('without a compiler it says what to install, and fails', () => {
  const { status, stderr } = install();
  expect(status).toBe(1);
  for (const command of [
    'apt-get install build-essential',
    'dnf install gcc-c++',
    'xcode-select --install',
    'winget',
  ]) {
    expect(stderr).toContain(command);
  }
  expect(existsSync(binary)).toBe(false);
});

test('a compiler that fails leaves nothing behind', () => {
  const { status, stderr } = install({ 'c++': BROKEN });
  expect(status).toBe(1);
  expect(stderr).toContain('C++20');
  expect(existsSync(binary)).toBe(false);
});

test('a failing CMake is followed by the compiler; nothing is built twice; a changed source builds again', () => {
  const first = install({ 'c++': COMPILER, cmake: BROKEN });
  expect(first.stdout).toContain('with CMake');
  expect(first.stdout).toContain('with the C++ compiler');
  expect(first.status).toBe(0);
  expect(readFileSync(binary, 'utf8')).toBe('built\n');
  expect(install()).toMatchObject({ status: 0, stdout: '', stderr: '' });
  writeFileSync(join(copy, 'native', 'addon.cc'), '// changed\n');
  expect(install().status).toBe(1);
});

test('a prebuilt binary is taken as it is, unless a build is asked for', () => {
  const prebuilt = join(copy, 'prebuilds', `${process.platform}-${process.arch}`);
  mkdirSync(prebuilt, { recursive: true });
  cpSync(binary, join(prebuilt, 'tascnet.node'));
  expect(install().status).toBe(0);
  expect(install({}, '--source').status).toBe(1);
});

test('an unknown way is refused', () => {
  const { status, stderr } = install({}, '--with=magic');
  expect(status).toBe(2);
  expect(stderr).toContain('cmake, gyp, compiler');
});
