/**
 * The file that keeps decoded pixels: rows of equal size, one an image, then a JSON trailer with a checksum of each row,
 * then the trailer's length (8 bytes, little endian) and the magic word. The trailer is written last and the file is
 * renamed into place, so that one with a valid trailer is whole.
 */

import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { makeFolders } from '../journal/whole-file.js';

const MAGIC = Buffer.from('TASCPIX1');
const TAIL_BYTES = 8 + MAGIC.length;
const CHUNK_BYTES = 64 * 1024 * 1024;

const trailerSchema = z.object({
  rowBytes: z.int().positive(),
  /** CRC-32 of each row; null for an image that could not be decoded. */
  checksums: z.array(z.int().nonnegative().nullable()),
  /** Why, by row. */
  failures: z.array(z.tuple([z.int().nonnegative(), z.string()])),
});

export type PixelTrailer = z.infer<typeof trailerSchema>;

export interface PixelFileWriter {
  /** Writes one row. Rows may come in any order; those never written are failures. */
  row(index: number, pixels: Uint8Array): Promise<void>;
  /** Completes the file and moves it into place. */
  finish(failures: PixelTrailer['failures']): Promise<void>;
  /** Throws away what was written; for errors on the way. */
  discard(): Promise<void>;
}

/** Starts a pixel file beside its final place. @throws Error of the file system. */
export async function createPixelFile(path: string, rows: number, rowBytes: number): Promise<PixelFileWriter> {
  makeFolders(dirname(path));
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.part`;
  const file = await open(temporary, 'wx');
  const checksums = new Array<number | null>(rows).fill(null);
  return {
    row: async (index, pixels) => {
      checksums[index] = crc32(pixels);
      await writeAll(file, pixels, index * rowBytes);
    },
    finish: async (failures) => {
      const trailer = Buffer.from(JSON.stringify({ rowBytes, checksums, failures } satisfies PixelTrailer));
      const tail = Buffer.alloc(TAIL_BYTES);
      tail.writeBigUInt64LE(BigInt(trailer.length));
      MAGIC.copy(tail, 8);
      await writeAll(file, Buffer.concat([trailer, tail]), rows * rowBytes);
      await file.sync();
      await file.close();
      await rename(temporary, path);
    },
    discard: async () => {
      await file.close().catch(() => undefined);
      await rm(temporary, { force: true });
    },
  };
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

/**
 * Reads a pixel file whole, checking every row.
 * @param into receives all rows, one after another; undefined to check only.
 * @returns undefined when there is none, or it is not what was asked for, or it is damaged.
 */
export async function readPixelFile(
  path: string,
  rows: number,
  rowBytes: number,
  into: Uint8Array | undefined,
): Promise<PixelTrailer | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return undefined;
  try {
    const trailer = await readTrailer(file, rows, rowBytes);
    if (!trailer) return undefined;
    const rowsAtOnce = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes));
    const scratch = into ? undefined : new Uint8Array(rowsAtOnce * rowBytes);
    for (let first = 0; first < rows; first += rowsAtOnce) {
      const count = Math.min(rowsAtOnce, rows - first);
      const target = scratch
        ? scratch.subarray(0, count * rowBytes)
        : into?.subarray(first * rowBytes, (first + count) * rowBytes);
      if (!target || !(await fill(file, target, first * rowBytes))) return undefined;
      for (let row = 0; row < count; row++) {
        const checksum = trailer.checksums[first + row];
        const pixels = target.subarray(row * rowBytes, (row + 1) * rowBytes);
        if (typeof checksum === 'number' && crc32(pixels) !== checksum) return undefined;
      }
    }
    return trailer;
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

async function readTrailer(file: FileHandle, rows: number, rowBytes: number): Promise<PixelTrailer | undefined> {
  const { size } = await file.stat();
  const start = rows * rowBytes;
  const tail = Buffer.alloc(TAIL_BYTES);
  if (size < start + TAIL_BYTES || !(await fill(file, tail, size - TAIL_BYTES))) return undefined;
  if (!tail.subarray(8).equals(MAGIC) || tail.readBigUInt64LE() !== BigInt(size - TAIL_BYTES - start)) return undefined;
  const bytes = Buffer.alloc(size - TAIL_BYTES - start);
  if (!(await fill(file, bytes, start))) return undefined;
  const trailer = trailerSchema.parse(JSON.parse(bytes.toString('utf8')));
  const failed = new Set(trailer.failures.map(([row]) => row));
  const whole =
    trailer.rowBytes === rowBytes &&
    trailer.checksums.length === rows &&
    trailer.checksums.every((checksum, row) => (checksum === null) === failed.has(row));
  return whole ? trailer : undefined;
}

/** Fills `target` from `position`; false when the file ends before. */
async function fill(file: FileHandle, target: Uint8Array, position: number): Promise<boolean> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await file.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}
