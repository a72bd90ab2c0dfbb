// Makes prebuilds/PLATFORM-ARCH/tascnet.node, which goes into the package and is loaded without an install script.
//
//   node scripts/prebuild.mjs [TARGET…]     such as linux-x64 linux-arm64; default: all that can be made here
//
// One binary serves every Node (Node-API) of a platform and processor. The names are those of prebuildify; it is not used
// itself, since it wants Node's headers downloaded and no cross compiler, nor is node-gyp-build, whose search is one line
// of lib/native/binding.ts. The C++ library is linked in, so that what is left to the machine is its C library.
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, readSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildCuda } from './native/cuda.mjs';
import { loads } from './native/loads.mjs';
import { build, compile, compiler, root, works } from './native/ways.mjs';

const host = `${process.platform}-${process.arch}`;

/** Debian's names; the machine number stands in an ELF file's header. */
const LINUX = {
  'linux-x64': { cross: 'x86_64-linux-gnu-g++', machine: 0x3e, packages: 'g++-x86-64-linux-gnu' },
  'linux-arm64': { cross: 'aarch64-linux-gnu-g++', machine: 0xb7, packages: 'g++-aarch64-linux-gnu' },
};
// Without the sections that nothing uses, parts of the C++ library that want a newer C library stay out.
const LINUX_LINKING = ['-static-libstdc++', '-Wl,--exclude-libs,ALL', '-Wl,--gc-sections', '-Wl,-z,relro,-z,now', '-s'];

/** What keeps a target from being made here, as a sentence; undefined where nothing does. */
function obstacle(target) {
  if (target === host) {
    return process.platform === 'win32' || compiler() !== undefined ? undefined : 'no C++ compiler was found.';
  }
  const known = LINUX[target];
  if (known === undefined || process.platform !== 'linux') return `it cannot be made on ${host}.`;
  if (works(known.cross)) return undefined;
  return `${known.cross} was not found (Debian, Ubuntu: sudo apt-get install ${known.packages}).`;
}

function make(target, made) {
  if (!(target in LINUX)) return build((binary) => cpSync(binary, made));
  return compile(target === host ? compiler() : LINUX[target].cross, 'linux', made, LINUX_LINKING);
}

/** Why a binary is not what it should be, or undefined. */
function flaw(target, path) {
  if (target === host) return loads(path);
  const file = openSync(path, 'r');
  const header = Buffer.alloc(20);
  readSync(file, header, 0, header.length, 0);
  closeSync(file);
  const machine = header.readUInt16LE(18);
  return machine === LINUX[target].machine ? undefined : `it is for another processor (${machine})`;
}

/** The newest C library that the binary asks for. */
function glibc(path) {
  const versions = readFileSync(path, 'latin1').match(/GLIBC_2\.\d+/g) ?? [];
  const newest = Math.max(...versions.map((version) => Number(version.slice('GLIBC_2.'.length))));
  return versions.length > 0 ? `, for glibc 2.${newest} and newer` : '';
}

const asked = process.argv.slice(2);
const targets =
  asked.length > 0 ? asked : [...new Set([host, ...(process.platform === 'linux' ? Object.keys(LINUX) : [])])];
let failed = false;
for (const target of targets) {
  const why = obstacle(target);
  if (why !== undefined) {
    console.error(`tascnet: ${target} is left out: ${why}`);
    failed ||= asked.length > 0 || target === host;
    continue;
  }
  const path = join(root, 'prebuilds', target, 'tascnet.node');
  mkdirSync(dirname(path), { recursive: true });
  // Beside its place, so that it appears there at once and whole.
  const made = `${path}.${process.pid}`;
  const wrong = make(target, made) ? flaw(target, made) : 'the build failed';
  if (wrong !== undefined) {
    rmSync(made, { force: true });
    console.error(`tascnet: ${target} could not be made: ${wrong}.`);
    failed = true;
    continue;
  }
  renameSync(made, path);
  console.log(`tascnet: made prebuilds/${target}/tascnet.node${glibc(path)}`);
  if (target === host) buildCuda(dirname(path));
}
process.exitCode = failed ? 1 : 0;
