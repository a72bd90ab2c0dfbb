/** How long programs take to start, against an empty one, and how long an import takes within a program. */

import { spawnSync } from 'node:child_process';
import { type Comparison, median, milliseconds } from './case.js';

function output(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

function program(...args: string[]): Comparison['ours'] {
  return async () => () => median(5, () => milliseconds(() => output(args)));
}

/** Milliseconds of some statements, as the program that runs them tells. */
function inProgram(statements: string): Comparison['ours'] {
  const timed = `const started = performance.now(); ${statements}; console.log(performance.now() - started);`;
  return async () => () => median(5, async () => Number(output(['--input-type=module', '-e', timed])));
}

const STARTS: readonly (readonly [name: string, ...args: string[]])[] = [
  ['tascnet --help', 'dist/cli/main.js', '--help'],
  ['tascnet inspect', 'dist/cli/main.js', 'inspect', 'demo/digits-0-4.onnx'],
  ['a program that imports tascnet/native', '--input-type=module', '-e', "await import('./dist/native.js')"],
];

const shared = { unit: 'ms', better: 'lower' } as const;

export const comparisons: Comparison[] = [
  ...STARTS.map(([name, ...args]) => ({
    ...shared,
    name,
    ours: program(...args),
    rivalName: 'an empty program',
    rival: { run: program('-e', '0') },
  })),
  {
    ...shared,
    name: 'import of tascnet/native and a first call',
    ours: inProgram("(await import('./dist/native.js')).createHistory([1], 0)"),
    rivalName: 'import of onnxruntime-node',
    rival: { run: inProgram("await import('onnxruntime-node')") },
  },
];
