/** A small image problem: which of three textures a noisy 8×8 image shows. Learnable to the full in a few epochs. */

import type { Batch, BatchSource } from '../../lib/data/batch.js';
import type { Graph } from '../../lib/graph/graph.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { graphBuilder } from '../models/builder.js';

export const CLASSES = 3;
const SIZE = 8;

/** Horizontal stripes, vertical stripes or a chessboard, in noise. */
function image(label: number, index: number, seed: number): Float32Array {
  const random = randomGenerator('texture', seed, index);
  const data = new Float32Array(SIZE * SIZE);
  for (let row = 0; row < SIZE; row++)
    for (let column = 0; column < SIZE; column++) {
      const phase = [row, column, row + column][label] ?? 0;
      data[row * SIZE + column] = (phase % 2 === 0 ? 1 : -1) + 0.8 * random.normal();
    }
  return data;
}

export function textures(samples: number, batchSize: number, seed: number): BatchSource {
  return {
    samples,
    batchSize,
    async *batches(epoch: number): AsyncGenerator<Batch> {
      const order = randomGenerator('order', seed, epoch).shuffle<number, Int32Array>(
        Int32Array.from({ length: samples }, (_, index) => index),
      );
      for (let start = 0; start < samples; start += batchSize) {
        const chosen = order.subarray(start, Math.min(samples, start + batchSize));
        const inputs = new Float32Array(chosen.length * SIZE * SIZE);
        chosen.forEach((index, position) => {
          inputs.set(image(index % CLASSES, index, seed), position * SIZE * SIZE);
        });
        const labels = Int32Array.from(chosen, (index) => index % CLASSES);
        yield { inputs, shape: [chosen.length, SIZE, SIZE, 1], layout: 'channelsLast', labels };
      }
    },
  };
}

/** Conv, batch norm, depthwise conv, dropout, Gemm. */
export function textureNetwork(options: { softmax?: boolean; batchNorm?: boolean; classes?: number } = {}): Graph {
  const { softmax = false, batchNorm = true, classes = CLASSES } = options;
  const b = graphBuilder('textures', { seed: 7 });
  const normed = (x: ReturnType<typeof b.conv>) => b.relu(batchNorm ? b.bn(x) : x);
  let x = normed(b.conv(b.input([1, SIZE, SIZE]), 8, { pad: 1, bias: !batchNorm, name: 'first' }));
  x = normed(b.conv(x, 8, { pad: 1, groups: 8, bias: !batchNorm, name: 'depthwise' }));
  x = normed(b.conv(x, 16, { kernel: 1, bias: !batchNorm, name: 'pointwise' }));
  x = b.flatten(b.globalAveragePool(x));
  x = b.node('Dropout', [x], {}, { channels: 16 });
  x = b.gemm(x, classes, { name: 'fc' });
  return b.build(softmax ? b.node('Softmax', [x], { axis: -1 }) : x);
}

/** The same images, each with the label of another class. */
export function mislabelled(source: BatchSource): BatchSource {
  return {
    ...source,
    batches: async function* (epoch) {
      for await (const batch of source.batches(epoch))
        yield { ...batch, labels: batch.labels.map((label) => (label + 1) % CLASSES) };
    },
  };
}
