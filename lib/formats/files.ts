/** Files that hold models: read whole, checked before they are opened, never followed out of their folder. */

import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { messageOf, TascnetError } from '../errors.js';

const READ_AT_ONCE = 1 << 30;

/** What `work` gives; what it throws for the person names `file` first. */
export async function inFile<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TascnetError)) throw error;
    const { hint, exitCode } = error;
    throw new TascnetError(`${file}: ${error.message}`, {
      ...(hint === undefined ? {} : { hint }),
      cause: error,
      exitCode,
    });
  }
}

/** The bytes of the file that the person named. `what` says what was expected: "an ONNX model". */
export function readModelFile(file: string, what: string, limit: number): Uint8Array {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    throw new TascnetError(`the model cannot be opened: ${messageOf(error)}.`, { cause: error });
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new TascnetError(`this is not a file; ${what} was expected.`);
    if (stat.size > limit)
      throw new TascnetError(
        `the file has ${stat.size} bytes, but ${what} of more than ${limit / 2 ** 30} GiB is not read.`,
      );
    return readAll(descriptor, stat.size);
  } finally {
    closeSync(descriptor);
  }
}

/** The whole of a file whose place is within `root`. */
export function readInside(root: string, location: string, what: string): Uint8Array {
  const parts = location.split(/[/\\]/);
  const foreign = /^[a-z][a-z0-9+.-]*:/i.test(location) || location.startsWith('*');
  if (foreign || location.includes('\0') || path.isAbsolute(location) || parts[0] === '' || parts.includes('..'))
    throw new TascnetError(`${what} is not a path inside the model's folder, so it is not read.`, {
      hint: 'External data must lie beside the model, under a relative path without "..".',
    });
  let descriptor: number;
  try {
    const folder = realpathSync(root);
    const file = realpathSync(path.join(folder, location));
    if (!file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep))
      throw new TascnetError(`${what} is a link that leaves the model's folder, so it is not read.`, {
        hint: 'Copy the data file beside the model.',
      });
    // A FIFO would block the opening for ever without O_NONBLOCK; a link put there since is not followed.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if (error instanceof TascnetError) throw error;
    throw new TascnetError(`${what} cannot be read: ${messageOf(error)}.`, {
      hint: 'The data file must be copied along with the model.',
      cause: error,
    });
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new TascnetError(`${what} is not a regular file.`);
    if (stat.nlink > 1)
      throw new TascnetError(`${what} is a hard link to a file that has other names, so it is not read.`, {
        hint: 'Copy the data file beside the model.',
      });
    return readAll(descriptor, stat.size);
  } finally {
    closeSync(descriptor);
  }
}

/** `size` bytes of an open file, or fewer when it is shorter, from the start of a buffer of their own. */
function readAll(descriptor: number, size: number): Uint8Array {
  // A buffer of its own, aligned, not from a pool; zeroing it first would take as long as the reading.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  let done = 0;
  while (done < size) {
    const count = readSync(descriptor, bytes, done, Math.min(READ_AT_ONCE, size - done), done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
