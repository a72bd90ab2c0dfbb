/**
 * Half of the channels out of tensors, along every axis. New memory is filled at the speed of its page faults, memory that
 * was used before at that of the machine's memory: each is compared with memcpy of as many bytes into the same kind. There
 * the tensors are several times as large as the caches, as STREAM asks: memcpy reads half as many bytes as a cut passes
 * over, and would find more of them there.
 */

import { loadEngine } from '../lib/engine/engine.js';
import { applySurgery } from '../lib/native.js';
import { type Comparison, median, milliseconds } from './case.js';
import { garbageCollector } from './garbage.js';
import { memoryRate } from './memory.js';

type Tensor = readonly [dims: readonly number[], axis: number];

const TENSORS: readonly Tensor[] = [
  [[1024, 1024, 3, 3], 0],
  [[1024, 1024, 3, 3], 1],
  [[64, 64, 48, 48], 2],
  [[64, 64, 48, 48], 3],
  [[4096, 4096], 1],
];
const LARGE: readonly Tensor[] = TENSORS.map(([[first = 1, second = 1, ...kernel], axis]) => [
  [2 * first, 2 * second, ...kernel],
  axis,
]);

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

const MEMORY = { used: 'memory used before', new: 'new memory' } as const;

function comparison([dims, axis]: Tensor, memory: keyof typeof MEMORY) {
  const name = `[${dims}], half along axis ${axis}, ${MEMORY[memory]}`;
  return { unit: 'GB/s', better: 'higher', name, ours: ours(dims, axis, memory) } as const;
}

const memories = ['used', 'new'] as const;

export const comparisons: Comparison[] = [
  ...LARGE.flatMap((tensor) =>
    memories.map((memory) => ({
      ...comparison(tensor, memory),
      rivalName: 'memcpy',
      rival: memoryRate(memory === 'used' ? 'copy' : 'copy-new', sizeOf(tensor[0]) / 2),
    })),
  ),
  ...TENSORS.flatMap((tensor) =>
    memories.map((memory) => ({
      ...comparison(tensor, memory),
      rivalName: 'gather of tfjs',
      rival: { run: tfjsGather(...tensor) },
    })),
  ),
];
