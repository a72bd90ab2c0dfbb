/**
 * Half of the channels out of tensors, along every axis. New memory is filled at the speed of its page faults, memory that
 * was used before at that of the machine's memory: each is compared with memcpy of as many bytes into the same kind.
 */

import { loadEngine } from '../lib/engine/engine.js';
import { applySurgery } from '../lib/native.js';
import { type Comparison, median, milliseconds } from './case.js';
import { memoryRate } from './memory.js';

const TENSORS: readonly (readonly [dims: readonly number[], axis: number])[] = [
  [[1024, 1024, 3, 3], 0],
  [[1024, 1024, 3, 3], 1],
  [[64, 64, 48, 48], 2],
  [[64, 64, 48, 48], 3],
  [[4096, 4096], 1],
];

const sizeOf = (dims: readonly number[]) => dims.reduce((product, extent) => product * extent, 1);
const filled = (size: number) => Float32Array.from({ length: size }, (_, at) => (at * 2_654_435_761) % 1_000_003);

/** Of every two channels one, by a fixed pattern without runs of equal length. */
function half(extent: number): Int32Array {
  return Int32Array.from({ length: extent / 2 }, (_, at) => 2 * at + (((at * at + at) / 2) % 2));
}

/** GB/s of what is kept, read and written. */
function rate(dims: readonly number[], cut: () => Promise<unknown>): Promise<number> {
  return median(9, async () => (sizeOf(dims) * 4) / 1e6 / (await milliseconds(cut)));
}

function ours(dims: readonly number[], axis: number, memory: 'new' | 'used'): Comparison['ours'] {
  return async () => {
    const data = filled(sizeOf(dims));
    const axes = [{ axis, keep: half(dims[axis] ?? 0) }];
    const out = memory === 'used' ? new Float32Array(data.length / 2) : undefined;
    return () => rate(dims, () => applySurgery([{ data, dims, axes, out }]));
  };
}

function tfjsGather(dims: readonly number[], axis: number): Comparison['ours'] {
  return async () => {
    const { tf } = await loadEngine();
    const data = filled(sizeOf(dims));
    const keep = half(dims[axis] ?? 0);
    return () =>
      rate(dims, async () => {
        const tensors = [tf.tensor(data, [...dims]), tf.tensor1d(keep, 'int32')] as const;
        const cut = tf.gather(tensors[0], tensors[1], axis);
        cut.dataSync();
        tf.dispose([...tensors, cut]);
      });
  };
}

export const comparisons: Comparison[] = TENSORS.flatMap(([dims, axis]): Comparison[] => {
  const name = `[${dims}], half along axis ${axis}`;
  const shared = { unit: 'GB/s', better: 'higher' } as const;
  const made = { ...shared, name: `${name}, new memory`, ours: ours(dims, axis, 'new') };
  return [
    {
      ...shared,
      name: `${name}, memory used before`,
      ours: ours(dims, axis, 'used'),
      rivalName: 'memcpy',
      rival: memoryRate('copy', sizeOf(dims) / 2),
    },
    { ...made, rivalName: 'memcpy', rival: memoryRate('copy-new', sizeOf(dims) / 2) },
    { ...made, rivalName: 'gather of tfjs', rival: { run: tfjsGather(dims, axis) } },
  ];
});
