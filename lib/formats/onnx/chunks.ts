/** Buffers written to a file in few system calls. */

import type { FileHandle } from 'node:fs/promises';

/** Buffers handed to one system call. */
const AT_ONCE = 512;
/** Bytes of one system call; Linux takes no more than 2 GiB. */
const MAX_CALL_BYTES = 1 << 30;

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
