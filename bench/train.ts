/** A training step of MobileNetV1 at half width and 160 px. */

import { loadEngine } from '../lib/engine/engine.js';
import { train } from '../lib/train/train.js';

import { type Comparison, python } from './case.js';
import { randomImages } from './images.js';
import { mobilenetHalf } from './mobilenet.js';

const STEPS = 8;
const BATCH = 32;

const step: Comparison['ours'] = async () => {
  const engine = await loadEngine();
  const graph = mobilenetHalf(160);
  const data = { train: randomImages(STEPS * BATCH, BATCH, 160), validation: randomImages(BATCH, BATCH, 160) };
  return async () => {
    const ends: number[] = [];
    await train(engine, graph, data, { epochs: 1, learningRate: 0.01, onStep: () => ends.push(performance.now()) });
    const times = ends.slice(1).map((end, at) => end - (ends[at] ?? end));
    return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
  };
};

export const comparisons: Comparison[] = [
  {
    name: `MobileNetV1 ½, 160 px, batch ${BATCH}`,
    unit: 'ms',
    better: 'lower',
    ours: step,
    rivalName: 'PyTorch',
    rival: python('train_step.py', String(BATCH)),
  },
];
