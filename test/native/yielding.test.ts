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
    try {
      const text = readFileSync(`/proc/self/task/${id}/sched`, 'utf8');
      return [[id, Number(/se\.slice\s*:\s*(\d+)/.exec(text)?.[1])]];
    } catch {
      return []; // It has ended since.
    }
  });
  return new Map(threads);
}

(tells ? test : test.skip)(
  'the event loop can interrupt what computes, and no other thread is changed',
  async () => {
    const own = slices().get(String(process.pid)) ?? Number.NaN;
    const longer = () => [...slices()].filter(([, slice]) => slice > own).length;
    const { threads } = addonInfo();
    const weights = new Float32Array(512 * 4608).map((_, at) => Math.sin(at));
    const end = performance.now() + 20_000;
    let most = 0;
    // All of them are seen at work only while a call lasts.
    while (most < threads && performance.now() < end) {
      let done = false;
      const call = geometricMedian(weights, [512, 4608], 0).finally(() => {
        done = true;
      });
      while (!done) {
        most = Math.max(most, longer());
        await nextTurn();
      }
      await call;
    }
    expect(most).toBe(threads);
    expect(slices().get(String(process.pid))).toBe(own);
    // The thread that Node lent is as it was.
    expect(longer()).toBe(threads - 1);
  },
  30_000,
);
