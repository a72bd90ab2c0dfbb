/** Twenty trials of a search on cached features, and the same configurations trained end to end from images. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, loadEngine } from '../lib/engine/engine.js';
import type { Graph } from '../lib/graph/graph.js';
import { type SearchResult, search } from '../lib/search/search.js';
import { configured, searchableOf } from '../lib/search/space-of-graph.js';
import { train } from '../lib/train/train.js';

import { type Comparison, milliseconds } from './case.js';
import { randomImages } from './images.js';
import { mobilenetHalf } from './mobilenet.js';

const TRIALS = 20;
const SIZE = 96;
const EPOCHS = 2;
const SEED = 1;

interface Setting {
  engine: Engine;
  graph: Graph;
  data: { train: ReturnType<typeof randomImages>; validation: ReturnType<typeof randomImages> };
}

async function setting(): Promise<Setting> {
  const engine = await loadEngine();
  const graph = mobilenetHalf(SIZE);
  return { engine, graph, data: { train: randomImages(64, 32, SIZE), validation: randomImages(32, 32, SIZE) } };
}

/** No trial is stopped early, so that both sides train the same epochs. */
async function searched({ engine, graph, data }: Setting): Promise<SearchResult> {
  const featureFolder = mkdtempSync(join(tmpdir(), 'tascnet-bench-'));
  try {
    const options = { trials: TRIALS, epochs: EPOCHS, depth: 1, seed: SEED, stop: 'none', featureFolder } as const;
    return await search(engine, graph, { ...data, fingerprint: 'noise' }, options);
  } finally {
    rmSync(featureFolder, { recursive: true });
  }
}

/** Features are computed within the time. */
const cached: Comparison['ours'] = async () => {
  const given = await setting();
  return () => milliseconds(() => searched(given));
};

/** The search's proposals are known before, so that only training counts here. */
const endToEnd: Comparison['ours'] = async () => {
  const given = await setting();
  const { trials } = await searched(given);
  const searchable = searchableOf(given.graph);
  return () =>
    milliseconds(async () => {
      for (const { configuration, trial } of trials) {
        const graph = await configured(searchable, configuration, trial);
        await train(given.engine, graph, given.data, { epochs: EPOCHS, learningRate: 0.02, seed: trial });
      }
    });
};

export const comparisons: Comparison[] = [
  {
    name: `${TRIALS} trials, MobileNetV1 ½ at ${SIZE} px`,
    unit: 'ms',
    better: 'lower',
    ours: cached,
    rivalName: 'the same trained end to end',
    rival: { run: endToEnd },
  },
];
