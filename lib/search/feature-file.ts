/**
 * Features on disk: the rows of all views as float32 or float16 in one file, and beside it a small one that says what they
 * are. The small one comes last, by renaming: where it is, the rows are whole.
 */

import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { CACHE_LIMIT, touch, trimCache } from '../data/cache-limit.js';
import { messageOf, TascnetError } from '../errors.js';
import { narrowFloat16, widenFloat16 } from '../formats/onnx/half.js';
import { makeFolders } from '../journal/whole-file.js';

const headSchema = z.object({
  version: z.literal(2),
  dtype: z.enum(['float32', 'float16']),
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

export type FeatureType = FeatureHead['dtype'];

/** Up to this many bytes are held in memory; the rest is read as it is needed, from the system's own cache of the file. */
const IN_MEMORY = 256 * 2 ** 20;
const WIDTH = { float32: 4, float16: 2 };

/** The key of what was computed from these parts. */
export function keyOfParts(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex').slice(0, 40);
}

/**
 * The features of a key, or undefined when they are not there whole.
 * @param inMemory up to how many bytes are held in memory.
 */
export function openFeatures(folder: string, key: string, inMemory = IN_MEMORY): FeatureRows | undefined {
  const { head, rowsOf } = pathsOf(folder, key);
  let read: z.output<typeof headSchema>;
  try {
    read = headSchema.parse(JSON.parse(readFileSync(head, 'utf8')));
  } catch {
    return undefined;
  }
  const { shape, labels, dtype } = read;
  const rows = rowsOf(dtype);
  const rowSize = shape.reduce((product, extent) => product * extent, 1);
  const rowBytes = rowSize * WIDTH[dtype];
  const offsets = labels.map((_, view) => labels.slice(0, view).reduce((sum, list) => sum + list.length, 0));
  const bytes = rowBytes * labels.reduce((sum, list) => sum + list.length, 0);
  if (statSync(rows, { throwIfNoEntry: false })?.size !== bytes) return undefined;
  touch(head);
  const file = openSync(rows, 'r');
  const held = bytes <= inMemory ? new Uint8Array(bytes) : undefined;
  if (held) readWhole(file, held, 0, rows);
  const half = new Uint16Array(dtype === 'float16' ? rowSize : 0);
  return {
    dtype,
    shape,
    labels,
    read: (view, index, into, at) => {
      const start = rowBytes * ((offsets[view] ?? 0) + index);
      const target = into.subarray(at, at + rowSize);
      const raw = bytesOf(dtype === 'float16' ? half : target);
      if (held) raw.set(held.subarray(start, start + rowBytes));
      else readWhole(file, raw, start, rows);
      if (dtype === 'float16') widenFloat16(half, target);
    },
    close: () => closeSync(file),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
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
  finish(head: Omit<FeatureHead, 'dtype'>): void;
  /** Forgets everything that was written. */
  abandon(): void;
}

export interface FeatureStorage {
  dtype: FeatureType;
  /** What all features of the folder may take, in bytes; those used longest ago go first. */
  limit: number;
  /** Keys of features that are in use beside these. */
  keep: readonly string[];
}

const STORAGE: FeatureStorage = { dtype: 'float32', limit: CACHE_LIMIT, keep: [] };

/** @throws TascnetError when the folder cannot be written. */
export function createFeatures(folder: string, key: string, storage: Partial<FeatureStorage> = {}): FeatureWriter {
  const { dtype, limit, keep } = { ...STORAGE, ...storage };
  const { head, rowsOf } = pathsOf(folder, key);
  const rows = rowsOf(dtype);
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
        const bytes = bytesOf(dtype === 'float16' ? narrowFloat16(values) : values);
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done);
      }),
    finish: (what) =>
      failing(() => {
        fsyncSync(file);
        close();
        renameSync(temporary, rows);
        writeFileSync(`${head}.${process.pid}.tmp`, JSON.stringify({ version: 2, dtype, ...what }));
        renameSync(`${head}.${process.pid}.tmp`, head);
        trimCache(folder, limit, [key, ...keep]);
      }),
    abandon: () => {
      close();
      rmSync(temporary, { force: true });
    },
  };
}

function pathsOf(folder: string, key: string) {
  const rowsOf = (dtype: FeatureType) => join(folder, `${key}.${dtype === 'float16' ? 'f16' : 'f32'}`);
  return { head: join(folder, `${key}.json`), rowsOf };
}
