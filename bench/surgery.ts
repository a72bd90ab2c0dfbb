/**
 * Half of the channels out of tensors, along every axis. New memory is filled at the speed of its page faults, memory that
 * was used before at that of the machine's memory: each is compared with memcpy of as many bytes into the same kind. The
 * tensors are several times as large as the caches, as STREAM asks: memcpy reads half as many bytes as a cut passes over,
 * and would find more of them there.
 */

import { loadEngine } from '../lib/engine/engine.js';
import { applySurgery } from '../lib/native.js';
import { type Comparison, median, milliseconds } from './case.js';
import { garbageCollector } from './garbage.js';
import { memoryRate } from './memory.js';

const TENSORS: readonly (readonly [dims: readonly number[], axis: number])[] = [
  [[2048, 2048, 3, 3], 0],
  [[2048, 2048, 3, 3], 1],
  [[128, 128, 48, 48], 2],
  [[128, 128, 48, 48], 3],
  [[8192, 8192], 1],
];

const sizeOf = (dims: readonly number[]) => dims.reduce((product, extent) => product * extent, 1);

function filled(size: number): Float32Array {
  const data = new Float32Array(size);
  for (let at = 0; at < size; at++) data[at] = (at * 2_654_435_761) % 1_000_003;
  return data;
}

/** Of every two channels one, by a fixed pattern without runs of equal length. */
function half(extent: number): Int32Array {
  return Int32Array.from({ length: extent / 2 }, (_, at) => 2 * at + (((at * at + at) / 2) % 2));
}

/** GB/s of what is kept, read and written. `before` each cut is outside of timing. */
function rate(dims: readonly number[], before: () => void, cut: () => Promise<unknown>): Promise<number> {
  return median(15, async () => {
    before();
    return (sizeOf(dims) * 4) / 1e6 / (await milliseconds(cut));
  });
}

function ours(dims: readonly number[], axis: number, memory: 'new' | 'used'): Comparison['ours'] {
  return async () => {
    const data = filled(sizeOf(dims));
    const axes = [{ axis, keep: half(dims[axis] ?? 0) }];
    const out = memory === 'used' ? new Float32Array(data.length / 2) : undefined;
    // Results that nobody reads any more, where there are any, would be collected during the next cut.
    const collect = memory === 'new' ? garbageCollector() : () => {};
    return () => rate(dims, collect, () => applySurgery([{ data, dims, axes, out }]));
  };
}

function tfjsGather(dims: readonly number[], axis: number): Comparison['ours'] {
  return async () => {
    const { tf } = await loadEngine();
    const data = filled(sizeOf(dims));
    const keep = half(dims[axis] ?? 0);
    return () =>
      rate(dims, garbageCollector(), async () => {
        const tensors = [tf.tensor(data, [...dims]), tf.tensor1d(keep, 'int32')] as const;
        const cut = tf.gather(tensors[0], tensors[1], axis);
        cut.dataSync();
        tf.dispose([...tensors, cut]);
      });
  };
}

export const comparisons: Comparison[] = TENSORS.flatMap(([dims, axis]): Comparison[] => {
  return (['used', 'new'] as const).flatMap((memory): Comparison[] => {
    const cut = {
      unit: 'GB/s',
      better: 'higher',
      name: `[${dims}], half along axis ${axis}, ${memory === 'used' ? 'memory used before' : 'new memory'}`,
      ours: ours(dims, axis, memory),
    } as const;
    return [
      {
        ...cut,
        rivalName: 'memcpy',
        rival: memoryRate(memory === 'used' ? 'copy' : 'copy-new', sizeOf(dims) / 2),
      },
      { ...cut, rivalName: 'gather of tfjs', rival: { run: tfjsGather(dims, axis) } },
    ];
  });
});
