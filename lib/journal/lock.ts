/** One writer for a file: a lock file beside it names the process that writes. */

import { existsSync, linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { TascnetError } from '../errors.js';

/** A lock that was made but not yet filled belongs to a process that is about to fill it, for this long. */
const FILLING_MS = 5000;

/**
 * Takes the lock of `path`, also from a process that ended without giving it back. @returns what gives it back.
 * @throws TascnetError when another writer, or this process, holds it.
 */
export function takeLock(path: string): () => void {
  const lock = `${path}.lock`;
  const ours = JSON.stringify({ pid: process.pid, started: startOf(process.pid), host: hostname() });
  for (;;) {
    try {
      writeFileSync(lock, ours, { flag: 'wx' });
      return () => {
        if (contentOf(lock) === ours) rmSync(lock, { force: true });
      };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const theirs = contentOf(lock);
    if (theirs === undefined) continue;
    const holder = holderOf(lock, theirs);
    if (holder !== undefined)
      throw new TascnetError(`"${path}" is being written by ${holder}.`, {
        hint: `Wait until it ends, or choose another place. If it is gone, delete "${lock}".`,
      });
    breakLock(lock, theirs);
  }
}

function contentOf(lock: string): string | undefined {
  try {
    return readFileSync(lock, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Who holds a lock, in words; undefined when its process is gone. */
function holderOf(lock: string, content: string): string | undefined {
  let holder: { pid?: unknown; started?: unknown; host?: unknown } = {};
  try {
    holder = JSON.parse(content) ?? {};
  } catch {
    const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return Date.now() - made < FILLING_MS ? 'another process' : undefined;
  }
  const { pid, started, host } = holder;
  if (typeof pid !== 'number') return undefined;
  if (host !== hostname()) return `process ${pid} on another machine (${host})`;
  if (!isAlive(pid)) return undefined;
  // After a restart of the machine or the container another process can have the number.
  if (started !== startOf(pid)) return undefined;
  return pid === process.pid ? 'this very process' : `process ${pid}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** What tells a process from a later one of the same number, where the system says (Linux); null elsewhere. */
function startOf(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold spaces; the start time is the 20th field after it (proc(5), field 22).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot} ${fields[19]}`;
  } catch {
    return null;
  }
}

/** Removes an abandoned lock, unless somebody else has replaced it by now. */
function breakLock(lock: string, abandoned: string): void {
  const aside = `${lock}.${process.pid}.${Date.now()}`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  if (contentOf(aside) !== abandoned && !existsSync(lock)) linkSync(aside, lock);
  rmSync(aside, { force: true });
}
