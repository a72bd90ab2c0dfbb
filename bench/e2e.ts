/** The demo: the main job on handwritten digits, from the command line. */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { type Comparison, milliseconds } from './case.js';

export const comparisons: Comparison[] = [
  {
    name: 'npm run demo',
    unit: 's',
    better: 'lower',
    ours: async () => {
      // The demo goes on with one that was stopped.
      rmSync('runs/demo', { recursive: true, force: true });
      return async () =>
        (await milliseconds(() => {
          const { status, stderr } = spawnSync(process.execPath, ['scripts/demo/demo.mjs'], { encoding: 'utf8' });
          if (status !== 0) throw new Error(stderr);
        })) / 1000;
    },
    rivalName: 'none',
    rival: { program: () => null },
  },
];
