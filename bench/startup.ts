/** How long programs take to start, against an empty one. */

import { spawnSync } from 'node:child_process';
import { type Comparison, median, milliseconds } from './case.js';

function program(...args: string[]): Comparison['ours'] {
  return async () => () =>
    median(5, () =>
      milliseconds(() => {
        const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
        if (status !== 0) throw new Error(stderr);
      }),
    );
}

const STARTS: readonly (readonly [name: string, ...args: string[]])[] = [
  ['tascnet --help', 'dist/cli/main.js', '--help'],
  ['tascnet inspect', 'dist/cli/main.js', 'inspect', 'demo/digits-0-4.onnx'],
  ['import tascnet/native', '--input-type=module', '-e', "await import('./dist/native.js')"],
];

export const comparisons: Comparison[] = STARTS.map(([name, ...args]) => ({
  name,
  unit: 'ms',
  better: 'lower',
  ours: program(...args),
  rivalName: 'an empty program',
  rival: { run: program('-e', '0') },
}));
