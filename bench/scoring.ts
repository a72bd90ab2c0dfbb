/** Scores of channels: weight histories, the products they rest on, norms. */

import { type Engine, loadEngine } from '../lib/engine/engine.js';
import { createHistory, norms } from '../lib/native.js';
import { type Comparison, median, milliseconds, python } from './case.js';
import { memoryRate } from './memory.js';
import { plainNorms, tfjsHistory } from './plain-scores.js';
import { changeWeights, VGG_CONVOLUTIONS, VGG_DENSE, weightsOf } from './vgg-weights.js';

const EPOCHS = 50;
const PAIRS = 10;

/** Between epochs the weights change, outside of timing. */
const historyOfVgg: Comparison['ours'] = async () => {
  const layers = VGG_CONVOLUTIONS.map((dims) => ({ data: weightsOf(dims), history: createHistory(dims, 0) }));
  return async () => {
    let total = 0;
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      for (const { data } of layers) changeWeights(data, epoch);
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

/** TensorFlow, or none: tfjs' own backend would take a quarter of an hour. */
async function tensorflow(): Promise<Engine['tf']> {
  const { tf, backend } = await loadEngine();
  if (backend !== 'tensorflow') throw new Error('TensorFlow is not installed.');
  return tf;
}

const tfjsHistoryOfVgg: Comparison['ours'] = async () => {
  const tf = await tensorflow();
  const layers = VGG_CONVOLUTIONS.map((dims) => ({ data: weightsOf(dims), history: tfjsHistory(tf, dims) }));
  return async () => {
    let total = 0;
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      for (const { data } of layers) changeWeights(data, epoch);
      // Who trains with tfjs has the weights in TensorFlow's memory already.
      const placed = layers.map(({ data, history }) => ({ history, weights: history.place(data) }));
      total += await milliseconds(() => {
        for (const { history, weights } of placed) history.record(weights);
      });
      for (const { weights } of placed) weights.dispose();
    }
    return (
      total +
      (await milliseconds(() => {
        for (const { history } of layers) {
          history.l1();
          history.topPairs(PAIRS);
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

/** @param score gives the norms of one tensor's channels */
function normRate(score: (data: Float32Array, dims: readonly number[]) => unknown): Comparison['ours'] {
  return async () => {
    const tensors = [...VGG_CONVOLUTIONS, ...VGG_DENSE].map((dims) => ({ dims, data: weightsOf(dims) }));
    const bytes = tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
    return async () =>
      bytes /
      1e6 /
      (await median(7, () => milliseconds(() => Promise.all(tensors.map(({ data, dims }) => score(data, dims))))));
  };
}

const ownNorms = normRate((data, dims) => norms(data, dims, 0, 'l1'));

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
    name: `History of VGG-16, ${EPOCHS} epochs`,
    unit: 'ms',
    better: 'lower',
    ours: historyOfVgg,
    rivalName: 'tfjs, W·Wᵀ added up',
    rival: { run: tfjsHistoryOfVgg },
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
    ours: ownNorms,
    rivalName: 'reading memory',
    rival: memoryRate('read', 138_344_128),
  },
  {
    name: 'Norms of all weights of VGG-16',
    unit: 'GB/s',
    better: 'higher',
    ours: ownNorms,
    rivalName: 'plain TypeScript',
    rival: { run: normRate(plainNorms) },
  },
];
