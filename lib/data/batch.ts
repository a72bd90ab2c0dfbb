/** What training and validation read: batches of samples, without a word of where they come from. */

import { TascnetError } from '../errors.js';
import type { Layout } from '../ops/operator.js';

/** Samples as one network takes them. */
export interface BatchInput {
  /** The elements of all samples, row-major in the order of `shape`. Owned by the reader: never written to again. */
  inputs: Float32Array;
  /** Batch first, in physical order: [N, C, H, W] when `layout` is plain, [N, H, W, C] when it is channelsLast. */
  shape: number[];
  layout: Layout;
}

export interface Batch extends BatchInput {
  /** The class index of each sample. */
  labels: Int32Array;
  /** The same samples as a teacher takes them, where it takes them in another way. */
  forTeacher?: BatchInput;
  /** What the teacher makes of them, [N, classes] row-major, where it is known already. */
  logitsOfTeacher?: Float32Array;
}

export interface BatchSource {
  /** How many samples one epoch has. */
  samples: number;
  /** How many samples a batch has; the last one may have less. */
  batchSize: number;
  /** The batches of an epoch (0, 1, …). The same epoch of the same source always gives the same batches. */
  batches(epoch: number): AsyncIterable<Batch>;
}

/** The source whose epoch 0 is epoch `first` of this one, for a training that goes on where another ended. */
export function fromEpoch(source: BatchSource, first: number): BatchSource {
  return { ...source, batches: (epoch) => source.batches(first + epoch) };
}

/**
 * The batches of `student`, with the same samples as the teacher takes them.
 * @param teacher gives the same samples in the same order and in batches of the same size.
 * @throws TascnetError, while they are read, when it does not.
 */
export function forTeacher(student: BatchSource, teacher: BatchSource): BatchSource {
  return {
    ...student,
    async *batches(epoch) {
      const taught = teacher.batches(epoch)[Symbol.asyncIterator]();
      try {
        for await (const batch of student.batches(epoch)) {
          const next = await taught.next();
          if (next.done || !isAlike(next.value.labels, batch.labels))
            throw new TascnetError('The teacher was given other samples than its student.');
          const { inputs, shape, layout } = next.value;
          yield { ...batch, forTeacher: { inputs, shape, layout } };
        }
      } finally {
        await taught.return?.();
      }
    },
  };
}

function isAlike(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((label, at) => label === b[at]);
}
