// Provides build/Release/tascnet.node: nothing to do where a prebuilt binary came along or the sources have not changed,
// else a build by the first way that this machine offers. Node's headers come from the package node-api-headers; nothing
// is downloaded.
//
//   node scripts/install.mjs [--source] [--with=cmake|gyp|compiler]
//
// --source   build even though a prebuilt binary is there
// --with     build this way alone
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(join(root, 'package.json'));
const release = join(root, 'build', 'Release');
const binary = join(release, 'tascnet.node');
const stamp = join(release, 'tascnet.sources');
const prebuilt = join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'tascnet.node');

const NO_COMPILER = `tascnet: no C++ compiler was found, and the native addon has to be built on this machine.
Install one with C++20 (GCC 11, Clang 14, Visual Studio 2022, or newer), then run the installation again:
  Debian, Ubuntu   sudo apt-get install build-essential
  Fedora, RHEL     sudo dnf install gcc-c++ make
  Alpine           apk add build-base
  macOS            xcode-select --install
  Windows          winget install Kitware.CMake Microsoft.VisualStudio.2022.BuildTools --override "--add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"
A compiler of another name is found through the variable CXX.`;

// Devices from A100 on; the code for the last one is also kept in a form that later ones can compile.
const CUDA_TARGETS = ['-gencode=arch=compute_80,code=sm_80', '-gencode=arch=compute_90,code=[sm_90,compute_90]'];

const works = (command, args = ['--version']) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) console.error(`tascnet: ${command}: ${error.message}`);
  return status === 0;
}

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** What the binary depends on: sources, recipes, headers and platform. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
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

function inScratch(work) {
  const scratch = mkdtempSync(join(tmpdir(), 'tascnet-'));
  try {
    return work(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const headers = () => [require('node-addon-api').include_dir, require('node-api-headers').include_dir];

const sources = () => readFileSync(join(root, 'bindings.gyp'), 'utf8').match(/native\/[\w/]+\.cc/g);

const compiler = () => [process.env.CXX, 'c++', 'g++', 'clang++'].find((name) => name && works(name));

/** @type {Record<string, { name: string, available: () => boolean, build: () => boolean }>} */
const ways = {
  cmake: {
    name: 'CMake',
    available: () => works('cmake'),
    build: () => {
      const out = join(root, 'build', 'cmake');
      // A cache made for another place or generator stops CMake: begin anew then.
      const script = join(dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
      const args = [script, 'compile', '--out', out, '--parallel', String(availableParallelism())];
      const attempt = () => run(process.execPath, args);
      if (!attempt()) {
        rmSync(out, { recursive: true, force: true });
        if (!attempt()) return false;
      }
      place(join(out, 'Release', 'tascnet.node'));
      return true;
    },
  },
  gyp: {
    name: 'node-gyp',
    // On Windows node-gyp needs Node's import library, which only a download provides.
    available: () => process.platform !== 'win32' && nodeGyp() !== undefined && works('python3'),
    build: () =>
      inScratch((scratch) => {
        const include = join(scratch, 'node', 'include', 'node');
        cpSync(require('node-api-headers').include_dir, include, { recursive: true });
        const common = {
          target_defaults: {
            default_configuration: 'Release',
            configurations: { Release: {} },
            cflags: ['-fPIC', '-pthread'],
          },
        };
        if (process.platform === 'darwin') {
          common.target_defaults.xcode_settings = { OTHER_LDFLAGS: ['-undefined dynamic_lookup'] };
        }
        writeFileSync(join(include, 'common.gypi'), JSON.stringify(common));
        // node-gyp insists on the folder name build: it works on a copy, beside CMake's.
        for (const name of ['native', 'bindings.gyp', 'binding.gyp', 'package.json']) {
          cpSync(join(root, name), join(scratch, name), { recursive: true });
        }
        const env = { ...process.env, NODE_PATH: nodePath() };
        const args = [nodeGyp(), 'rebuild', `--nodedir=${join(scratch, 'node')}`, `--jobs=${availableParallelism()}`];
        if (!run(process.execPath, args, { cwd: scratch, env })) return false;
        place(join(scratch, 'build', 'Release', 'tascnet.node'));
        return true;
      }),
  },
  compiler: {
    name: 'the C++ compiler',
    available: () => process.platform !== 'win32',
    build: () =>
      inScratch((scratch) => {
        const made = join(scratch, 'tascnet.node');
        const link = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : ['-ldl'];
        const defines = ['NAPI_VERSION=9', 'NAPI_CPP_EXCEPTIONS', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'];
        const args = ['-shared', '-fPIC', '-std=c++20', '-O3', '-fvisibility=hidden', '-pthread', '-Wno-psabi'];
        args.push(...defines.map((name) => `-D${name}`), ...headers().flatMap((folder) => ['-isystem', folder]));
        if (!run(compiler(), [...args, ...sources(), '-o', made, ...link])) return false;
        place(made);
        return true;
      }),
  },
};

/** The CUDA half, a library beside the addon, where a toolkit is found. Whatever goes wrong here, the addon is complete. */
function buildCuda() {
  const home = process.env.CUDA_HOME ?? process.env.CUDA_PATH ?? '/usr/local/cuda';
  const nvcc = ['nvcc', join(home, 'bin', 'nvcc')].find((name) => works(name));
  const library = join(release, 'tascnet-cuda.so');
  if (process.platform !== 'linux' || process.env.TASCNET_CUDA === '0' || nvcc === undefined) return;
  console.log('tascnet: building the CUDA half');
  const made = `${library}.${process.pid}`;
  const args = ['-O3', '-std=c++17', '-shared', '-Xcompiler', '-fPIC,-fvisibility=hidden', '-cudart', 'static'];
  const sources = [join('native', 'cuda', 'pairs.cu')];
  if (run(nvcc, [...args, ...CUDA_TARGETS, ...sources, '-o', made], { timeout: 10 * 60_000 })) {
    renameSync(made, library);
  } else {
    rmSync(made, { force: true });
    rmSync(library, { force: true });
    console.error('tascnet: the CUDA half could not be built; the addon works without it.');
  }
}

/** The folder of node_modules that holds the header packages. */
function nodePath() {
  return dirname(dirname(require.resolve('node-addon-api/package.json')));
}

/** The node-gyp that npm brings along. */
function nodeGyp() {
  const candidates = [
    process.env.npm_config_node_gyp,
    join(
      dirname(process.execPath),
      '..',
      'lib',
      'node_modules',
      'npm',
      'node_modules',
      'node-gyp',
      'bin',
      'node-gyp.js',
    ),
  ];
  return candidates.find((path) => path && existsSync(path));
}

function build(only) {
  if (process.platform !== 'win32' && compiler() === undefined) {
    console.error(NO_COMPILER);
    return false;
  }
  const usable = (only ? [only] : Object.keys(ways)).filter((way) => only || ways[way].available());
  for (const way of usable) {
    console.log(`tascnet: building the native addon with ${ways[way].name}`);
    if (ways[way].build()) return true;
    console.error(`tascnet: the build with ${ways[way].name} failed.`);
  }
  console.error(
    process.platform === 'win32'
      ? NO_COMPILER
      : 'tascnet: the native addon could not be built; the compiler needs C++20 (GCC 11, Clang 14 or newer).',
  );
  return false;
}

const only = process.argv.find((argument) => argument.startsWith('--with='))?.slice('--with='.length);
if (only !== undefined && !(only in ways)) {
  console.error(`tascnet: --with=${only}: expected one of ${Object.keys(ways).join(', ')}.`);
  process.exit(2);
}
if (existsSync(prebuilt) && !process.argv.includes('--source') && !only) process.exit(0);
const current = fingerprint();
const upToDate = existsSync(binary) && existsSync(stamp) && readFileSync(stamp, 'utf8') === current;
if (upToDate && !only) process.exit(0);
if (!build(only)) process.exit(1);
buildCuda();
writeFileSync(stamp, current);
