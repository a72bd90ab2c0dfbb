import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { addonInfo } from '../../lib/native.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'tascnet-install-'));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

// The package as it comes out of the tarball, with nothing built.
const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
for (const name of ['package.json', ...files.filter((each) => !/dist|prebuilds|schema/.test(each))]) {
  cpSync(join(root, name), join(copy, name), { recursive: true });
}
cpSync(join(root, 'scripts', 'prebuild.mjs'), join(copy, 'scripts', 'prebuild.mjs'));
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
const binary = join(copy, 'build', 'Release', 'tascnet.node');

/** Runs a script with nothing on the PATH but what is given. */
function script(name: string, commands: Record<string, string>, args: string[]) {
  const bin = mkdtempSync(join(copy, 'bin-'));
  for (const [command, text] of Object.entries(commands)) writeFileSync(join(bin, command), text, { mode: 0o755 });
  const env = { PATH: bin, CUDA_HOME: bin };
  return spawnSync(process.execPath, [join(copy, 'scripts', name), ...args], { encoding: 'utf8', env });
}

const install = (commands: Record<string, string> = {}, ...args: string[]) => script('install.mjs', commands, args);
const prebuild = (commands: Record<string, string> = {}, ...args: string[]) => script('prebuild.mjs', commands, args);

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

const host = `${process.platform}-${process.arch}`;
const prebuilt = join(copy, 'prebuilds', host, 'tascnet.node');

/** Answers like a compiler with the real addon, or with a file of these bytes. */
const giving = (what: string) => COMPILER.replace('echo built > "$2"', what);
const ADDON = giving(`/bin/cp '${addonInfo().path}' "$2"`);

test('a prebuilt binary is made, taken without a compiler, and goes when the sources are built', () => {
  const made = prebuild({ 'c++': ADDON }, host);
  expect(made).toMatchObject({ status: 0, stderr: '' });
  expect(made.stdout).toMatch(new RegExp(`^tascnet: made prebuilds/${host}/tascnet.node`));
  expect(readFileSync(prebuilt)).toEqual(readFileSync(addonInfo().path));
  expect(install()).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(install({}, '--source').status).toBe(1);
  expect(existsSync(prebuilt)).toBe(false);
});

test('one that does not load is neither kept nor taken', () => {
  const made = prebuild({ 'c++': COMPILER }, host);
  expect(made.status).toBe(1);
  expect(made.stderr).toContain(`${host} could not be made: `);
  expect(existsSync(prebuilt)).toBe(false);
  prebuild({ 'c++': ADDON }, host);
  writeFileSync(prebuilt, 'damaged');
  const built = install({ 'c++': COMPILER });
  expect(built.stderr).toContain('the prebuilt binary does not run here');
  expect(built).toMatchObject({ status: 0 });
  rmSync(prebuilt);
});

test('the other processor needs its compiler: without it that is said, and an error where it was asked for', () => {
  // Elsewhere no binary is made but the machine's own.
  if (process.platform !== 'linux') return;
  const other = process.arch === 'x64' ? 'linux-arm64' : 'linux-x64';
  const cross = process.arch === 'x64' ? 'aarch64-linux-gnu-g++' : 'x86_64-linux-gnu-g++';
  const alone = prebuild({ 'c++': ADDON });
  expect(alone.status).toBe(0);
  expect(alone.stderr).toContain(`${other} is left out: ${cross} was not found`);
  expect(prebuild({ 'c++': ADDON }, other).status).toBe(1);
  // An ELF header with the machine of the other processor, and of none.
  const header = (machine: string) => giving(`/usr/bin/printf '\\177ELF              ${machine}' > "$2"`);
  const [right, wrong] = process.arch === 'x64' ? ['\\267\\000', '\\076\\000'] : ['\\076\\000', '\\267\\000'];
  expect(prebuild({ [cross]: header(wrong) }, other).stderr).toContain('it is for another processor');
  expect(existsSync(join(copy, 'prebuilds', other, 'tascnet.node'))).toBe(false);
  expect(prebuild({ [cross]: header(right) }, other)).toMatchObject({ status: 0, stderr: '' });
  expect(existsSync(join(copy, 'prebuilds', other, 'tascnet.node'))).toBe(true);
  expect(prebuild({}, 'beos-ppc').stderr).toContain('beos-ppc is left out: it cannot be made on linux-');
});

test('the package takes prebuilt binaries along, and all that a build needs', () => {
  prebuild({ 'c++': ADDON });
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: copy,
    encoding: 'utf8',
  });
  const packed = JSON.stringify(JSON.parse(stdout));
  for (const file of [
    `prebuilds/${host}/tascnet.node`,
    'native/addon.cc',
    'scripts/install.mjs',
    'scripts/native/ways.mjs',
  ])
    expect(packed).toContain(file);
});

test('an unknown way is refused', () => {
  const { status, stderr } = install({}, '--with=magic');
  expect(status).toBe(2);
  expect(stderr).toContain('cmake, gyp, compiler');
});
