// Provides the addon: nothing to do where a prebuilt binary came along and loads, or the sources have not changed; else
// build/Release/tascnet.node is built by the first way that this machine offers.
//
//   node scripts/install.mjs [--source] [--with=cmake|gyp|compiler]
//
// --source   build even though a prebuilt binary is there
// --with     build this way alone
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildCuda, cudaCompiler } from './native/cuda.mjs';
import { loads } from './native/loads.mjs';
import { build, root, ways } from './native/ways.mjs';

const require = createRequire(join(root, 'package.json'));
const release = join(root, 'build', 'Release');
const binary = join(release, 'tascnet.node');
const stamp = join(release, 'tascnet.sources');
const prebuilt = join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'tascnet.node');

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** What the binary depends on: sources, recipes, headers, platform and whether there is a CUDA toolkit. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  if (cudaCompiler() !== undefined) hash.update('cuda');
  for (const name of ['node-addon-api', 'node-api-headers']) hash.update(require(`${name}/package.json`).version);
  for (const file of [...filesUnder(join(root, 'native')), join(root, 'bindings.gyp'), join(root, 'CMakeLists.txt')]) {
    hash.update(file.slice(root.length)).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** Puts a finished binary in its place at once: a process that loads the addon meanwhile sees the old or the new one. */
function place(made) {
  mkdirSync(release, { recursive: true });
  const temporary = `${binary}.${process.pid}`;
  cpSync(made, temporary);
  renameSync(temporary, binary);
}

const only = process.argv.find((argument) => argument.startsWith('--with='))?.slice('--with='.length);
if (only !== undefined && !(only in ways)) {
  console.error(`tascnet: --with=${only}: expected one of ${Object.keys(ways).join(', ')}.`);
  process.exit(2);
}
const fromSource = process.argv.includes('--source') || only !== undefined;
if (existsSync(prebuilt) && !fromSource) {
  const failure = loads(prebuilt);
  if (failure === undefined) process.exit(0);
  console.error(`tascnet: the prebuilt binary does not run here (${failure}); building one.`);
}
// It would be loaded in place of what is built from the sources.
if (fromSource) rmSync(prebuilt, { force: true });
const current = fingerprint();
const upToDate = existsSync(binary) && existsSync(stamp) && readFileSync(stamp, 'utf8') === current;
if (upToDate && !only) process.exit(0);
if (!build(place, only)) process.exit(1);
buildCuda(release);
writeFileSync(stamp, current);
