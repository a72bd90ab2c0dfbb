/**
 * Features on disk: the rows of all views as float32 in one file, and beside it a small one that says what they are. The
 * small one comes last, by renaming: where it is, the rows are whole.
 */

import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, TascnetError } from '../errors.js';
import { makeFolders } from '../journal/whole-file.js';

const headSchema = z.object({
  version: z.literal(1),
  /** Of one row, in physical order. */
  shape: z.array(z.number().int().positive()),
  /** The class of each row, view after view. */
  labels: z.array(z.array(z.number().int())),
});
export type FeatureHead = Omit<z.output<typeof headSchema>, 'version'>;

export interface FeatureRows extends FeatureHead {
  /** Copies row `index` of a view into `into` from element `at` on. */
  read(view: number, index: number, into: Float32Array, at: number): void;
  close(): void;
}

/** Up to this many bytes are held in memory. */
const IN_MEMORY = 256 * 2 ** 20;
/** What all features of a folder may take; those used longest ago go first. */
const FOLDER_LIMIT = 20 * 2 ** 30;

/** The key of what was computed from these parts. */
export function keyOfParts(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex').slice(0, 40);
}

/** The features of a key, or undefined when they are not there whole. */
export function openFeatures(folder: string, key: string): FeatureRows | undefined {
  const [rows, head] = pathsOf(folder, key);
  let read: z.output<typeof headSchema>;
  try {
    read = headSchema.parse(JSON.parse(readFileSync(head, 'utf8')));
  } catch {
    return undefined;
  }
  const { shape, labels } = read;
  const rowSize = shape.reduce((product, extent) => product * extent, 1);
  const offsets = labels.map((_, view) => labels.slice(0, view).reduce((sum, list) => sum + list.length, 0));
  const count = labels.reduce((sum, list) => sum + list.length, 0);
  const bytes = 4 * rowSize * count;
  if (statSync(rows, { throwIfNoEntry: false })?.size !== bytes) return undefined;
  touch(head);
  const file = openSync(rows, 'r');
  const held = bytes <= IN_MEMORY ? new Float32Array(rowSize * count) : undefined;
  if (held) readWhole(file, new Uint8Array(held.buffer), 0, rows);
  return {
    shape,
    labels,
    read: (view, index, into, at) => {
      const row = (offsets[view] ?? 0) + index;
      if (held) into.set(held.subarray(row * rowSize, (row + 1) * rowSize), at);
      else readWhole(file, new Uint8Array(into.buffer, into.byteOffset + 4 * at, 4 * rowSize), 4 * rowSize * row, rows);
    },
    close: () => closeSync(file),
  };
}

/** Says that the features were used; in a cache that cannot be written, nothing depends on it. */
function touch(head: string): void {
  const now = new Date();
  try {
    utimesSync(head, now, now);
  } catch {}
}

function readWhole(file: number, into: Uint8Array, position: number, path: string): void {
  for (let done = 0; done < into.length; ) {
    const count = readSync(file, into, done, Math.min(into.length - done, 2 ** 30), position + done);
    if (count === 0) throw new TascnetError(`The feature cache "${path}" became shorter while it was read.`);
    done += count;
  }
}

export interface FeatureWriter {
  /** Adds rows behind those before. */
  write(rows: Float32Array): void;
  /** Makes the features whole. */
  finish(head: FeatureHead): void;
  /** Forgets everything that was written. */
  abandon(): void;
}

/** @throws TascnetError when the folder cannot be written. */
export function createFeatures(folder: string, key: string): FeatureWriter {
  const [rows, head] = pathsOf(folder, key);
  const temporary = `${rows}.${process.pid}.tmp`;
  const failing = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw new TascnetError(`The feature cache in "${folder}" cannot be written: ${messageOf(error)}.`, {
        hint: 'TASCNET_CACHE names another folder.',
        cause: error,
      });
    }
  };
  let open = true;
  const close = () => {
    if (open) closeSync(file);
    open = false;
  };
  const file = failing(() => {
    makeFolders(folder);
    return openSync(temporary, 'w');
  });
  return {
    write: (values) =>
      failing(() => {
        const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done);
      }),
    finish: (what) =>
      failing(() => {
        fsyncSync(file);
        close();
        renameSync(temporary, rows);
        writeFileSync(`${head}.${process.pid}.tmp`, JSON.stringify({ version: 1, ...what }));
        renameSync(`${head}.${process.pid}.tmp`, head);
        dropOldest(folder, key);
      }),
    abandon: () => {
      close();
      rmSync(temporary, { force: true });
    },
  };
}

/** Removes the features of a key. */
export function removeFeatures(folder: string, key: string): void {
  const [rows, head] = pathsOf(folder, key);
  rmSync(head, { force: true });
  rmSync(rows, { force: true });
}

function pathsOf(folder: string, key: string): [rows: string, head: string] {
  return [join(folder, `${key}.f32`), join(folder, `${key}.json`)];
}

function dropOldest(folder: string, keep: string): void {
  const entries = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const key = name.slice(0, -'.json'.length);
      const [rows, head] = pathsOf(folder, key);
      const size = statSync(rows, { throwIfNoEntry: false })?.size ?? 0;
      return { key, size, used: statSync(head, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
    })
    .sort((a, b) => b.used - a.used);
  let total = 0;
  for (const { key, size } of entries) {
    total += size;
    if (total > FOLDER_LIMIT && key !== keep) removeFeatures(folder, key);
  }
}
