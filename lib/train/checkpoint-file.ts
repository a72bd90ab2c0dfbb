/**
 * A training state in one file: a header (JSON, with the place of each array), the arrays' bytes, and the SHA-256 of
 * both. Written to a temporary name, synced and renamed: whatever happens, the file holds one whole state.
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf, TascnetError } from '../errors.js';
import { sizeOf, type Tensor } from '../graph/tensor.js';
import { writeAtomically } from '../journal/whole-file.js';
import type { Checkpoint, TrainState } from './state.js';

const MAGIC = 'TASCNET-TRAIN-1\n';
const DIGEST_BYTES = 32;

interface TensorEntry {
  name: string;
  dims: number[];
}

type Header = Omit<TrainState, 'weights' | 'optimizer' | 'best'> & {
  weights: TensorEntry[];
  optimizer: { steps: number; slots: { name: string; length: number }[] };
  best: (Omit<NonNullable<TrainState['best']>, 'weights'> & { weights: TensorEntry[] }) | undefined;
};

/** A checkpoint kept in `path`, whose directory must exist. */
export function checkpointFile(path: string): Checkpoint {
  return {
    load: async () => {
      let bytes: Buffer;
      try {
        bytes = await readFile(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw new TascnetError(`The checkpoint ${path} cannot be read: ${messageOf(error)}.`, { cause: error });
      }
      return decodeState(bytes, path);
    },
    save: async (state) => {
      await writeAtomically(path, async (file) => {
        for (const part of encodeState(state)) await file.writeFile(part);
      });
    },
  };
}

/** The parts of the file, in order. */
export function encodeState(state: TrainState): Uint8Array[] {
  const arrays: Float32Array[] = [];
  const entries = (tensors: ReadonlyMap<string, Tensor>): TensorEntry[] =>
    [...tensors].map(([name, { dtype, dims, data }]) => {
      if (dtype !== 'float32') throw new TascnetError(`The weight "${name}" is ${dtype}; float32 was expected.`);
      arrays.push(data);
      return { name, dims };
    });
  const { weights, optimizer, best, ...rest } = state;
  const header: Header = {
    ...rest,
    weights: entries(weights),
    optimizer: {
      steps: optimizer.steps,
      slots: [...optimizer.slots].map(([name, data]) => {
        arrays.push(data);
        return { name, length: data.length };
      }),
    },
    best: best && { ...best, weights: entries(best.weights) },
  };
  // JSON has no infinity: the schedule's best loss before the first epoch.
  const json = Buffer.from(JSON.stringify(header, (_, value) => (value === Number.POSITIVE_INFINITY ? '∞' : value)));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const parts: Uint8Array[] = [
    Buffer.from(MAGIC),
    length,
    json,
    ...arrays.map((data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return [...parts, hash.digest()];
}

/** @throws TascnetError when the bytes are not a whole state. */
export function decodeState(bytes: Buffer, path: string): TrainState {
  const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES));
  const digest = bytes.subarray(body.length);
  const start = MAGIC.length + 4;
  if (body.length < start || body.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new TascnetError(`${path} is not a training checkpoint.`);
  if (!createHash('sha256').update(body).digest().equals(digest))
    throw new TascnetError(`The checkpoint ${path} is damaged: its checksum does not match its content.`, {
      hint: 'Delete the file to begin the training anew.',
    });
  const headerEnd = start + body.readUInt32LE(MAGIC.length);
  const header: Header = JSON.parse(body.toString('utf8', start, headerEnd), (_, value) =>
    value === '∞' ? Number.POSITIVE_INFINITY : value,
  );
  let offset = headerEnd;
  const take = (length: number): Float32Array => {
    const array = new Float32Array(length);
    new Uint8Array(array.buffer).set(body.subarray(offset, offset + array.byteLength));
    offset += array.byteLength;
    return array;
  };
  const tensors = (entries: readonly TensorEntry[]): Map<string, Tensor> =>
    new Map(entries.map(({ name, dims }) => [name, { dtype: 'float32', dims, data: take(sizeOf(dims)) }]));
  const { weights, optimizer, best, ...rest } = header;
  return {
    ...rest,
    weights: tensors(weights),
    optimizer: {
      steps: optimizer.steps,
      slots: new Map(optimizer.slots.map(({ name, length }) => [name, take(length)])),
    },
    best: best && { ...best, weights: tensors(best.weights) },
  };
}
