import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { addonInfo, geometricMedian } from '../../lib/native.js';

const [major = 0, minor = 0] = release().split('.').map(Number);
/** Kernels that heed the slices of single threads, and tell of them. */
const tells =
  process.platform === 'linux' &&
  (major > 6 || (major === 6 && minor >= 12)) &&
  existsSync('/proc/self/sched') &&
  readFileSync('/proc/self/sched', 'utf8').includes('se.slice');

/** Slices of this process's threads in nanoseconds, by thread. */
function slices(): Map<string, number> {
  const threads = readdirSync('/proc/self/task').flatMap((id): [string, number][] => {
    const file = `/proc/self/task/${id}/sched`;
    // A thread may have ended since.
    if (!existsSync(file)) return [];
    return [[id, Number(/se\.slice\s*:\s*(\d+)/.exec(readFileSync(file, 'utf8'))?.[1])]];
  });
  return new Map(threads);
}

(tells ? test : test.skip)(
  'a call’s threads can be interrupted by the event loop, and the others stay as they are',
  async () => {
    const own = slices().get(String(process.pid)) ?? Number.NaN;
    const longer = () => [...slices()].filter(([, slice]) => slice > 2 * own).map(([id]) => id);
    const weights = new Float32Array(512 * 4608).map((_, at) => Math.sin(at));
    let done = false;
    const call = geometricMedian(weights, [512, 4608], 0).finally(() => {
      done = true;
    });
    let most = 0;
    while (!done) {
      most = Math.max(most, longer().length);
      await nextTurn();
    }
    await call;
    const { threads } = addonInfo();
    expect(most).toBe(threads);
    expect(slices().get(String(process.pid))).toBe(own);
    // The thread that was lent by Node is as it was.
    expect(longer().length).toBe(threads - 1);
  },
);
