/**
 * One process at a time at a piece of work that several may want done. Holding it saves work; nothing breaks without
 * it, since what it guards is put in place by a rename.
 */

import { open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Interrupted, throwIfAborted } from '../errors.js';
import { makeFolders } from '../journal/whole-file.js';

const POLL_MS = 500;

/**
 * Runs `work` while holding the lock file at `path`; waits for another holder, unless its process is gone.
 * @throws Interrupted when `signal` fires while waiting.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: { signal?: AbortSignal | undefined; onWait?: (holder: string) => void } = {},
): Promise<T> {
  const mine = `${hostname()} ${process.pid}`;
  makeFolders(dirname(path));
  for (let waited = false; !(await take(path, mine)); waited = true) {
    const holder = await readFile(path, 'utf8').catch(() => '');
    if (isGone(holder)) {
      await rm(path, { force: true });
      continue;
    }
    if (!waited) options.onWait?.(holder);
    throwIfAborted(options.signal);
    await sleep(POLL_MS, undefined, options.signal ? { signal: options.signal } : {}).catch(() => {
      throw new Interrupted();
    });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(content);
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** A holder on another host cannot be asked, and is believed. */
function isGone(holder: string): boolean {
  const [host, pid] = holder.split(' ');
  if (host !== hostname() || !Number(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'EPERM');
  }
}
