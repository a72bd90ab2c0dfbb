/** A training step. */

import { loadEngine } from '../lib/engine/engine.js';
import type { Graph } from '../lib/graph/graph.js';
import { train } from '../lib/train/train.js';
import { mobilenetV2, resnet50 } from '../test/models/families.js';
import { type Comparison, python } from './case.js';
import { randomImages } from './images.js';
import { mobilenetHalf } from './mobilenet.js';

const STEPS = 8;
const CLASSES = 7;

interface Network {
  name: string;
  /** As bench/python/train_step.py knows it. */
  rival: string;
  size: number;
  batch: number;
  build: (size: number) => Graph;
}

const NETWORKS: readonly Network[] = [
  {
    name: 'MobileNetV1 ½',
    rival: 'mobilenet_half',
    size: 160,
    batch: 32,
    build: (size) => mobilenetHalf(size, CLASSES),
  },
  {
    ...{ name: 'MobileNetV2', rival: 'mobilenet_v2', size: 128, batch: 16 },
    build: (size) => mobilenetV2({ size, classes: CLASSES }),
  },
  {
    ...{ name: 'ResNet-50', rival: 'resnet50', size: 96, batch: 16 },
    build: (size) => resnet50({ size, classes: CLASSES }),
  },
];

/** The median step, in milliseconds. */
function step({ size, batch, build }: Network): Comparison['ours'] {
  return async () => {
    const engine = await loadEngine();
    const data = {
      train: randomImages(STEPS * batch, batch, size, CLASSES),
      validation: randomImages(batch, batch, size, CLASSES),
    };
    const graph = build(size);
    return async () => {
      const ends: number[] = [];
      await train(engine, graph, data, { epochs: 1, learningRate: 0.01, onStep: () => ends.push(performance.now()) });
      const times = ends.slice(1).map((end, at) => end - (ends[at] ?? end));
      return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
    };
  };
}

export const comparisons: Comparison[] = NETWORKS.map((network) => ({
  name: `${network.name}, ${network.size} px, batch ${network.batch}`,
  unit: 'ms',
  better: 'lower',
  ours: step(network),
  rivalName: 'PyTorch',
  rival: python('train_step.py', network.rival, String(network.size), String(network.batch)),
}));
