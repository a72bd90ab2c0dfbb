/**
 * Tensors kept in a file beside the model (ONNX "External Data"). The location comes from a stranger's file: only a
 * regular file inside the model's own folder is ever opened.
 */

import { TascnetError } from '../../errors.js';
import { readInside } from '../files.js';

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
