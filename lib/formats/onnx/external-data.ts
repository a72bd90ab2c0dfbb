/**
 * Tensors kept in a file beside the model (ONNX "External Data"). The location comes from a stranger's file: only a
 * regular file inside the model's own folder is ever opened.
 */

import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { messageOf, TascnetError } from '../../errors.js';

const READ_AT_ONCE = 1 << 30;

/** Where a tensor's bytes are, as the model file says. */
export interface ExternalLocation {
  location: string;
  offset: number;
  /** Undefined: up to the end of the file. */
  length: number | undefined;
}

export interface ExternalData {
  /** The bytes of tensor `tensor`, a view of a file that is read once. `expected`: what its shape and type need. */
  read(tensor: string, where: ExternalLocation, expected: number): Uint8Array;
}

/** The key-value pairs of `TensorProto.external_data`. */
export function externalLocation(tensor: string, entries: readonly { key: string; value: string }[]): ExternalLocation {
  const values = new Map(entries.map(({ key, value }) => [key, value]));
  const whole = (key: string): number | undefined => {
    const text = values.get(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
      throw new TascnetError(
        `Tensor "${tensor}": its external data's ${key} should be a whole number of bytes, not "${text}".`,
      );
    return value;
  };
  const location = values.get('location');
  if (!location) throw new TascnetError(`Tensor "${tensor}" says that its data is external, but names no file.`);
  return { location, offset: whole('offset') ?? 0, length: whole('length') };
}

/** @param root the model's folder; undefined when the model did not come from a file. */
export function externalData(root: string | undefined): ExternalData {
  const files = new Map<string, Uint8Array>();
  return {
    read(tensor, where, expected) {
      const what = `Tensor "${tensor}": its external data "${where.location}"`;
      if (root === undefined)
        throw new TascnetError(`${what} cannot be found, as the folder of the model is not known.`, {
          hint: 'Give the folder as externalRoot, or read the model from its path.',
        });
      let bytes = files.get(where.location);
      if (!bytes) {
        bytes = readInside(root, where.location, what);
        files.set(where.location, bytes);
      }
      const length = where.length ?? Math.max(0, bytes.length - where.offset);
      if (where.offset + length > bytes.length)
        throw new TascnetError(
          `${what} ends at byte ${bytes.length}, before the tensor's bytes ${where.offset} to ${where.offset + length}.`,
          { hint: 'The file may be truncated, or belong to another model.' },
        );
      if (length !== expected)
        throw new TascnetError(`${what} has ${length} bytes for it, but its shape and type need ${expected}.`);
      return bytes.subarray(where.offset, where.offset + length);
    },
  };
}

/** The whole of a file whose place is within `root`. */
function readInside(root: string, location: string, what: string): Uint8Array {
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
export function readAll(descriptor: number, size: number): Uint8Array {
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
