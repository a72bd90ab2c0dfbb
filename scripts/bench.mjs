// `npm run bench`: compiles the benchmarks, gives them the addon that is built, and runs them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// ONNX Runtime's reports to its makers would run beside what is measured.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

function run(args, stdio) {
  const { status } = spawnSync(process.execPath, args, { stdio });
  if (status !== 0) process.exit(status ?? 1);
}

// What the compiler says goes to stderr: stdout is for results.
const toStderr = ['ignore', 2, 'inherit'];
for (const config of ['tsconfig.json', 'tsconfig.bench.json'])
  run(['node_modules/typescript/bin/tsc', '-p', config], toStderr);
for (const script of ['scripts/bundle-native.mjs', 'scripts/bundle.mjs']) run([script], toStderr);
mkdirSync('build/bench', { recursive: true });
for (const name of ['build', 'dist', 'prebuilds', 'package.json'])
  if (existsSync(name) && !existsSync(`build/bench/${name}`)) symlinkSync(`../../${name}`, `build/bench/${name}`);
const [first, ...others] = process.argv.slice(2);
// Accuracies come from long runs over several seeds, not from trials side by side.
const LONG = { accuracy: 'accuracy/main.js', stage1: 'search/stage1.js', regret: 'search/regret.js' };
if (first in LONG) run([`build/bench/bench/${LONG[first]}`, ...others], 'inherit');
else run(['build/bench/bench/main.js', ...process.argv.slice(2)], 'inherit');
