/** Folders of what can be made again, kept below a size: what was used longest ago goes first. */

import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of each folder where nothing else is said. */
export const CACHE_LIMIT = 20 * 2 ** 30;

/** A file half-written for longer was left by a program that was killed. */
const STALE_MS = 24 * 3600 * 1000;

/** Says that a file of a cache was used; in a cache that cannot be written, nothing depends on it. */
export function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {}
}

/**
 * Removes entries until the folder takes no more than `limit` bytes. An entry is all the files whose names agree up to the
 * first dot, and was used when the latest of them was last touched. Readers that have a file open keep it.
 * @param keep entries that stay, whatever they take.
 */
export function trimCache(folder: string, limit: number, keep: readonly string[]): void {
  const entries = new Map<string, { files: string[]; bytes: number; used: number }>();
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found?.isFile()) continue;
    if (/\.(tmp|part)$/.test(name)) {
      if (Date.now() - found.mtimeMs > STALE_MS) rmSync(path, { force: true });
      continue;
    }
    const key = name.split('.', 1)[0] ?? name;
    const entry = entries.get(key) ?? { files: [], bytes: 0, used: 0 };
    entry.files.push(path);
    entry.bytes += found.size;
    entry.used = Math.max(entry.used, found.mtimeMs);
    entries.set(key, entry);
  }
  const kept = ([key]: [string, unknown]) => Number(keep.includes(key));
  const order = [...entries].sort((a, b) => kept(b) - kept(a) || b[1].used - a[1].used);
  let total = 0;
  for (const entry of order) {
    const [, { files, bytes }] = entry;
    total += bytes;
    if (total <= limit || kept(entry)) continue;
    total -= bytes;
    for (const file of files) rmSync(file, { force: true });
  }
}
