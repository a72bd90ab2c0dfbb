import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { addonInfo, createHistory, geometricMedian, History, Interrupted, norms } from '../../lib/native.js';
import { floats, randomOf, worstError } from './random.js';

const script = fileURLToPath(new URL('child.cjs', import.meta.url));

async function child<T>(task: string, env: Record<string, string> = {}): Promise<T> {
  const args = [script, addonInfo().path, task];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as T;
}

interface Digest {
  threads: number;
  simd: string;
  digest: string;
  sums: number[];
}

test('results are bitwise the same for one, two and five threads', async () => {
  const results: Digest[] = [];
  for (const threads of [1, 2, 5]) results.push(await child<Digest>('digest', { TASCNET_THREADS: `${threads}` }));
  expect(results.map((result) => result.threads)).toEqual([1, 2, 5]);
  expect(new Set(results.map((result) => result.digest)).size).toBe(1);
});

test('every instruction set gives the same results up to rounding', async () => {
  const best = await child<Digest>('digest');
  for (const simd of ['baseline', 'avx2']) {
    const narrow = await child<Digest>('digest', { TASCNET_SIMD: simd });
    // The choice only ever narrows what the processor has.
    expect(['baseline', simd]).toContain(narrow.simd);
    expect(worstError(narrow.sums, best.sums)).toBeLessThan(1e-4);
  }
});

test('several worker threads at once, some ended in the middle of a call', async () => {
  const { ended, after } = await child<{ ended: number[]; after: number[] }>('workers');
  expect(ended).toEqual([0, 0, 0, 1, 1, 1]);
  expect(after).toEqual(Array(8).fill(2));
});

test('the process may end while a call runs', async () => {
  expect(await child('exit')).toEqual({ exiting: true });
});

test('memory is given back: 100,000 calls of all entries leave it as it was', async () => {
  const args = ['--expose-gc', fileURLToPath(new URL('leak.mjs', import.meta.url))];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect((JSON.parse(stdout) as { grown: number }).grown).toBeLessThan(8 * 2 ** 20);
});

test('a signal stops a call, and the call before it is over', async () => {
  const tensor = floats(randomOf(51), 1200 * 3000);
  const controller = new AbortController();
  const begin = performance.now();
  const pending = geometricMedian(tensor, [1200, 3000], 0, { signal: controller.signal });
  setTimeout(() => controller.abort(), 5);
  await expect(pending).rejects.toBeInstanceOf(Interrupted);
  const stopped = performance.now() - begin;
  const whole = performance.now();
  await geometricMedian(tensor, [1200, 3000], 0);
  expect(stopped).toBeLessThan(Math.max(60, performance.now() - whole));
  await expect(norms(tensor, [1200, 3000], 0, 'l1', { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(
    Interrupted,
  );
});

test('an interrupted record adds nothing', async () => {
  const weights = floats(randomOf(52), 900 * 4000);
  const history = createHistory([900, 4000], 0);
  const controller = new AbortController();
  const pending = history.record(weights, { signal: controller.signal });
  setTimeout(() => controller.abort(), 5);
  await expect(pending).rejects.toBeInstanceOf(Interrupted);
  expect(history.records).toBe(0);
  expect(history.l1().every((sum) => sum === 0)).toBe(true);
  expect((await history.gram()).every((product) => product === 0)).toBe(true);
});

test('what a signal stops leaves a history as it was', async () => {
  const weights = floats(randomOf(54), 40 * 50);
  const history = createHistory([40, 50], 0);
  await history.record(weights);
  const [gram, bytes] = [await history.gram(), await history.serialize()];
  const stopped = { signal: AbortSignal.abort() };
  await expect(history.keep(Int32Array.of(1, 2), stopped)).rejects.toBeInstanceOf(Interrupted);
  await expect(history.serialize(stopped)).rejects.toBeInstanceOf(Interrupted);
  await expect(History.restore(bytes, stopped)).rejects.toBeInstanceOf(Interrupted);
  expect(history.channels).toBe(40);
  expect(await history.gram()).toEqual(gram);

  const wide = createHistory([4000, 2], 0);
  for (const call of [
    () =>
      wide.keep(
        Int32Array.from({ length: 3999 }, (_, i) => i),
        late(),
      ),
    () => wide.gram(late()),
  ])
    await expect(call()).rejects.toBeInstanceOf(Interrupted);
  expect(wide.channels).toBe(4000);

  /** Aborted once the call has begun. */
  function late() {
    const controller = new AbortController();
    setTimeout(() => controller.abort());
    return { signal: controller.signal };
  }
});

test('a signal of another maker stops a call too', async () => {
  const listeners = new Set<() => void>();
  const signal = {
    aborted: false,
    addEventListener: (_: string, listener: () => void) => listeners.add(listener),
    removeEventListener: (_: string, listener: () => void) => listeners.delete(listener),
  };
  const tensor = floats(randomOf(55), 1200 * 3000);
  const pending = geometricMedian(tensor, [1200, 3000], 0, { signal: signal as unknown as AbortSignal });
  setTimeout(() => {
    for (const listener of listeners) listener();
  }, 5);
  await expect(pending).rejects.toBeInstanceOf(Interrupted);
  expect(listeners.size).toBe(0);
});

test('the event loop goes on turning while a call runs', async () => {
  const tensor = floats(randomOf(53), 1200 * 3000);
  let turns = 0;
  let pending = true;
  const turn = () => {
    turns++;
    if (pending) setImmediate(turn);
  };
  turn();
  await geometricMedian(tensor, [1200, 3000], 0);
  pending = false;
  expect(turns).toBeGreaterThan(50);
});
