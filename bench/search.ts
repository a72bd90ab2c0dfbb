/** Twenty trials of a search on cached features, and the same number trained end to end from images. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadEngine } from '../lib/engine/engine.js';
import { search } from '../lib/search/search.js';
import { train } from '../lib/train/train.js';

import { type Comparison, milliseconds } from './case.js';
import { randomImages } from './images.js';
import { mobilenetHalf } from './mobilenet.js';

const TRIALS = 20;
const SIZE = 96;
const OPTIONS = { epochs: 2, learningRate: 0.01 };

async function setting() {
  const engine = await loadEngine();
  const graph = mobilenetHalf(SIZE);
  return { engine, graph, data: { train: randomImages(64, 32, SIZE), validation: randomImages(32, 32, SIZE) } };
}

const cached: Comparison['ours'] = async () => {
  const { engine, graph, data } = await setting();
  const featureFolder = mkdtempSync(join(tmpdir(), 'tascnet-bench-'));
  return async () => {
    const options = { trials: TRIALS, epochs: OPTIONS.epochs, depth: 1, seed: 1, featureFolder };
    const took = await milliseconds(() => search(engine, graph, { ...data, fingerprint: 'noise' }, options));
    rmSync(featureFolder, { recursive: true });
    return took;
  };
};

const endToEnd: Comparison['ours'] = async () => {
  const { engine, graph, data } = await setting();
  return () =>
    milliseconds(async () => {
      for (let trial = 0; trial < TRIALS; trial++) await train(engine, graph, data, OPTIONS);
    });
};

export const comparisons: Comparison[] = [
  {
    name: `${TRIALS} trials, MobileNetV1 ½ at ${SIZE} px`,
    unit: 'ms',
    better: 'lower',
    ours: cached,
    rivalName: 'trained end to end',
    rival: { run: endToEnd },
  },
];
