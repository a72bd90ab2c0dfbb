/** Scores of channels: weight histories, the products they rest on, norms. */

import { randomGenerator } from '../lib/graph/random.js';
import { createHistory, norms } from '../lib/native.js';
import { type Comparison, median, milliseconds, python } from './case.js';
import { memoryRate } from './memory.js';

const CHANNELS = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512];
const EPOCHS = 50;
const PAIRS = 10;

const CONVOLUTIONS = CHANNELS.map((channels, layer) => [channels, CHANNELS[layer - 1] ?? 3, 3, 3]);
const DENSE = [
  [4096, 25088],
  [4096, 4096],
  [1000, 4096],
];

function weightsOf(dims: readonly number[]): Float32Array {
  const random = randomGenerator(`bench ${dims}`);
  const size = dims.reduce((product, extent) => product * extent, 1);
  const data = new Float32Array(size);
  const block = Float32Array.from({ length: Math.min(size, 65_537) }, () => random.next() - 0.5);
  for (let at = 0; at < size; at += block.length) data.set(block.subarray(0, Math.min(block.length, size - at)), at);
  return data;
}

/** Between epochs the weights change, outside of timing. */
const historyOfVgg: Comparison['ours'] = async () => {
  const layers = CONVOLUTIONS.map((dims) => ({ data: weightsOf(dims), history: createHistory(dims, 0) }));
  return async () => {
    let total = 0;
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      for (const { data } of layers) for (let at = epoch; at < data.length; at += 64) data[at] = (data[at] ?? 0) * 1.01;
      total += await milliseconds(async () => {
        for (const { data, history } of layers) await history.record(data);
      });
    }
    return (
      total +
      (await milliseconds(async () => {
        for (const { history } of layers) {
          history.l1();
          await history.topPairs(PAIRS);
        }
      }))
    );
  };
};

const [ROWS, COLUMNS] = [512, 4608];

const gramRate: Comparison['ours'] = async () => {
  const data = weightsOf([ROWS, COLUMNS]);
  const history = createHistory([ROWS, COLUMNS], 0);
  return async () => (ROWS * ROWS * COLUMNS) / (await median(21, () => milliseconds(() => history.record(data)))) / 1e6;
};

const normRate: Comparison['ours'] = async () => {
  const tensors = [...CONVOLUTIONS, ...DENSE].map((dims) => ({ dims, data: weightsOf(dims) }));
  const bytes = tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
  return async () =>
    bytes /
    1e6 /
    (await median(7, () =>
      milliseconds(() => Promise.all(tensors.map(({ data, dims }) => norms(data, dims, 0, 'l1')))),
    ));
};

export const comparisons: Comparison[] = [
  {
    name: `History of VGG-16, ${EPOCHS} epochs`,
    unit: 'ms',
    better: 'lower',
    ours: historyOfVgg,
    rivalName: 'numpy and scikit-learn',
    rival: python('history.py', 'numpy'),
  },
  {
    name: `History of VGG-16, ${EPOCHS} epochs`,
    unit: 'ms',
    better: 'lower',
    ours: historyOfVgg,
    rivalName: 'PyTorch, W·Wᵀ added up',
    rival: python('history.py', 'torch'),
  },
  {
    name: 'Gram of 512 × 4608, as half a product',
    unit: 'GFLOP/s',
    better: 'higher',
    ours: gramRate,
    rivalName: 'best SGEMM of numpy and PyTorch',
    rival: python('history.py', 'sgemm'),
  },
  {
    name: 'Norms of all weights of VGG-16',
    unit: 'GB/s',
    better: 'higher',
    ours: normRate,
    rivalName: 'reading memory',
    rival: memoryRate('read', 138_344_128),
  },
];
