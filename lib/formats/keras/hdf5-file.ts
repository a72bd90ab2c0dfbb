/**
 * HDF5 files, read by HDF5's own library (h5wasm) in WebAssembly. It sees a file system of its own in memory with nothing
 * but this file: links and external storage of a stranger's file lead nowhere.
 */

import type { Dataset, File, Group } from 'h5wasm';
import { messageOf, TascnetError } from '../../errors.js';
import { sizeOf } from '../../graph/tensor.js';
import type { Hdf5 } from './hdf5.js';
import type { Stored } from './weights.js';

/** The bytes are taken over, not copied. */
const AS_IT_IS = { flags: 'w', canOwn: true };

/** HDF5 can compress, which Keras does not ask for. */
const MAX_RATIO = 64;

/** Opens the file with these bytes, which must not be used afterwards. */
export async function openHdf5(bytes: Uint8Array): Promise<Hdf5> {
  const h5wasm = await import('h5wasm');
  const module = await h5wasm.ready;
  return readable(() => {
    // Errors are thrown, in place of printed.
    module.activate_throwing_error_handler();
    module.FS.writeFile(PATH, bytes, AS_IT_IS);
    return reader(new h5wasm.File(PATH, 'r'), bytes.length);
  });
}

const PATH = '/model.h5';

/** What goes wrong within the library is the file's fault. */
function readable<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TascnetError) throw error;
    throw new TascnetError(`this is not an HDF5 file that can be read, or it is truncated (${reasonOf(error)}).`, {
      hint: 'Check that the file was downloaded or copied completely.',
      cause: error,
    });
  }
}

/** The last line of HDF5's account of what went wrong, from the caller down, is the cause. */
function reasonOf(error: unknown): string {
  const lines = messageOf(error)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return (lines.at(-1) ?? 'no reason is given').slice(0, 200);
}

function reader(file: File, fileBytes: number): Hdf5 {
  const find = (path: string): ReturnType<Group['get']> => {
    try {
      return path === '' ? file : file.get(path);
    } catch {
      return null;
    }
  };
  const attribute = (path: string, name: string): unknown => {
    const entity = find(path);
    if (!entity || !('attrs' in entity)) return undefined;
    const { attrs } = entity;
    if (!Object.hasOwn(attrs, name)) return undefined;
    const found = attrs[name];
    const { size = 0, total_size: count = 0 } = found?.metadata ?? {};
    if (size * count > fileBytes)
      throw new TascnetError(`the attribute "${name}" of "${path}" claims an impossible size.`);
    return found?.value ?? undefined;
  };
  const list = (path: string, name: string): string[] | undefined => {
    const value = readable(() => attribute(path, name));
    if (value === undefined) return undefined;
    // An empty list has lost its type.
    if (ArrayBuffer.isView(value) && value.byteLength === 0) return [];
    if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
    throw new TascnetError(`the attribute "${name}" of "${path}" should be a list of names.`);
  };
  return {
    names: (group) =>
      readable(() => {
        const entity = find(group);
        return entity && 'keys' in entity ? entity.keys() : [];
      }),
    text: (path, name) => {
      const value = readable(() => attribute(path, name));
      if (value === undefined || typeof value === 'string') return value;
      throw new TascnetError(`the attribute "${name}" of "${path}" should be text.`);
    },
    texts: (path, name) => {
      const whole = list(path, name);
      if (whole) return whole;
      const parts: string[] = [];
      for (let part = 0; ; part++) {
        const next = list(path, `${name}${part}`);
        if (!next) return part === 0 ? undefined : parts;
        parts.push(...next);
      }
    },
    tensor: (path) =>
      readable(() => {
        const entity = find(path);
        if (!entity || !('slice' in entity)) throw new TascnetError(`the weight "${path}" is not in the file.`);
        return tensorOf(entity, path, fileBytes);
      }),
  };
}

function tensorOf(dataset: Dataset, path: string, fileBytes: number): Stored {
  const { metadata } = dataset;
  const dims = metadata.shape;
  if (!dims) throw new TascnetError(`the weight "${path}" is empty.`);
  if (metadata.virtual_sources) throw new TascnetError(`the weight "${path}" lies in another file, so it is not read.`);
  const bytes = metadata.size * sizeOf(dims);
  if (bytes > MAX_RATIO * fileBytes || bytes >= 2 ** 31)
    throw new TascnetError(`the weight "${path}" of shape [${dims}] claims ${bytes} bytes; that cannot be.`);
  const isFloat = metadata.type === FLOATS && metadata.littleEndian && [4, 8].includes(metadata.size);
  if (!isFloat)
    throw new TascnetError(`the weight "${path}" is not of float32 numbers, which are expected.`, {
      hint: 'Save the model with float32 weights: no quantization, no float16 policy.',
    });
  return { dims: [...dims], data: numbersOf(dataset, dims) };
}

/** HDF5's class of floating-point types, H5T_FLOAT. */
const FLOATS = 1;

/** What is read at once goes through the memory of the library, which it keeps. */
const ELEMENTS_AT_ONCE = 2 ** 23;

function numbersOf(dataset: Dataset, dims: readonly number[]): Float32Array {
  const [rows = 1, ...rest] = dims;
  const rowLength = sizeOf(rest);
  const data = new Float32Array(rows * rowLength);
  const step = Math.max(1, Math.floor(ELEMENTS_AT_ONCE / Math.max(rowLength, 1)));
  for (let row = 0; row < rows && data.length > 0; row += step) {
    const part: unknown = dims.length === 0 ? dataset.value : dataset.slice([[row, Math.min(row + step, rows)]]);
    if (part instanceof Float32Array || part instanceof Float64Array) data.set(part, row * rowLength);
    else throw new TascnetError('a part of a weight is missing.');
  }
  return data;
}
