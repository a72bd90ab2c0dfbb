// The ways to build the addon from its sources. Node's headers come from the package node-api-headers; nothing is
// downloaded.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const require = createRequire(join(root, 'package.json'));

const NO_COMPILER = `tascnet: no C++ compiler was found, and the native addon has to be built on this machine.
Install one with C++20 (GCC 11, Clang 14, Visual Studio 2022, or newer), then run the installation again:
  Debian, Ubuntu   sudo apt-get install build-essential
  Fedora, RHEL     sudo dnf install gcc-c++ make
  Alpine           apk add build-base
  macOS            xcode-select --install
  Windows          winget install Kitware.CMake Microsoft.VisualStudio.2022.BuildTools --override "--add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"
A compiler of another name is found through the variable CXX.`;

export const works = (command, args = ['--version']) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) console.error(`tascnet: ${command}: ${error.message}`);
  return status === 0;
}

export function inScratch(work) {
  const scratch = mkdtempSync(join(tmpdir(), 'tascnet-'));
  try {
    return work(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const headers = () => [require('node-addon-api').include_dir, require('node-api-headers').include_dir];

const sources = () => readFileSync(join(root, 'bindings.gyp'), 'utf8').match(/native\/[\w/]+\.cc/g);

/** Builds with one call of a compiler, which may be one for another processor. */
export function compile(command, platform, made, extra = []) {
  const link = platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : ['-ldl'];
  const defines = ['NAPI_VERSION=9', 'NAPI_CPP_EXCEPTIONS', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'];
  const args = ['-shared', '-fPIC', '-std=c++20', '-O3', '-fvisibility=hidden', '-pthread', '-Wno-psabi'];
  args.push(...defines.map((name) => `-D${name}`), ...headers().flatMap((folder) => ['-isystem', folder]));
  return run(command, [...args, ...sources(), '-o', made, ...link, ...extra]);
}

export const compiler = () => [process.env.CXX, 'c++', 'g++', 'clang++'].find((name) => name && works(name));

/** @type {Record<string, { name: string, available: () => boolean, build: (place: (made: string) => void) => boolean }>} */
export const ways = {
  cmake: {
    name: 'CMake',
    available: () => works('cmake'),
    build: (place) => {
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
    build: (place) =>
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
    build: (place) =>
      inScratch((scratch) => {
        const made = join(scratch, 'tascnet.node');
        if (!compile(compiler(), process.platform, made)) return false;
        place(made);
        return true;
      }),
  },
};

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

/** Builds by one way, or by the first that works; `place` takes the finished binary to where it belongs. */
export function build(place, only) {
  if (process.platform !== 'win32' && compiler() === undefined) {
    console.error(NO_COMPILER);
    return false;
  }
  const usable = (only ? [only] : Object.keys(ways)).filter((way) => only || ways[way].available());
  for (const way of usable) {
    console.log(`tascnet: building the native addon with ${ways[way].name}`);
    if (ways[way].build(place)) return true;
    console.error(`tascnet: the build with ${ways[way].name} failed.`);
  }
  console.error(
    process.platform === 'win32'
      ? NO_COMPILER
      : 'tascnet: the native addon could not be built; the compiler needs C++20 (GCC 11, Clang 14 or newer).',
  );
  return false;
}
