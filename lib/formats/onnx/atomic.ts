/** Files that are whole or not there. */

import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { messageOf, TascnetError } from '../../errors.js';

/** Buffers handed to one system call. */
const AT_ONCE = 512;
/** Bytes of one system call; Linux takes no more than 2 GiB. */
const MAX_CALL_BYTES = 1 << 30;

/** Fills a temporary file beside `file` and renames it. @throws TascnetError when that fails; nothing is left behind. */
export async function writeAtomically(file: string, fill: (handle: FileHandle) => Promise<void>): Promise<void> {
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (error instanceof TascnetError) throw error;
    throw new TascnetError(`${file} cannot be written: ${messageOf(error)}.`, {
      hint: 'Check that the folder exists, that you may write there and that the disk is not full.',
      cause: error,
    });
  }
}

/** Writes the chunks one after the other, from where they lie. */
export async function writeChunks(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    let rest = batch;
    while (rest.length > 0) {
      const { bytesWritten } = await handle.writev(rest);
      rest = after(rest, bytesWritten);
    }
    batch = [];
    bytes = 0;
  };
  for (const chunk of chunks)
    for (let start = 0; start < chunk.length; start += MAX_CALL_BYTES) {
      const piece = chunk.subarray(start, start + MAX_CALL_BYTES);
      if (batch.length >= AT_ONCE || bytes + piece.length > MAX_CALL_BYTES) await flush();
      batch.push(piece);
      bytes += piece.length;
    }
  await flush();
}

/** What is left of `chunks` once `written` bytes of them are gone: a system call may write less than it was given. */
function after(chunks: Uint8Array[], written: number): Uint8Array[] {
  let gone = written;
  let index = 0;
  for (let chunk = chunks[index]; chunk && gone >= chunk.length; chunk = chunks[++index]) gone -= chunk.length;
  const [first, ...others] = chunks.slice(index);
  return first ? [first.subarray(gone), ...others] : [];
}
