// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer into build/sanitized and runs its tests on it.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const out = join(root, 'build', 'sanitized');

function run(command, args, env = {}) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) process.exit(status ?? 1);
}

const cmake = join(dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
run(process.execPath, [cmake, 'compile', '--out', out, '--CDTASCNET_SANITIZE=ON', '--CDTASCNET_WERROR=ON']);

// Node itself is not instrumented: the run-time libraries come first, and what Node keeps is no leak of ours.
const library = (name) =>
  spawnSync(process.env.CXX ?? 'c++', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim();
run(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    join(dirname(require.resolve('jest/package.json')), 'bin', 'jest.js'),
    '--runInBand',
    'test/native',
    'test/engine/own-kernels',
    // These are about installation and other programs.
    '--testPathIgnorePatterns=(install|embedding|backends)',
    '--testTimeout=600000',
    // The sanitizer keeps freed memory for a while.
    '--testNamePattern=^(?!memory is given back)',
  ],
  {
    TASCNET_ADDON: join(out, 'Release', 'tascnet.node'),
    ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
    LD_PRELOAD: [library('libasan.so'), library('libubsan.so')].join(' '),
  },
);
