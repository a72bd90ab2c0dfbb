/** Twenty trials at one depth on cached features, features included, and the same configurations from images, as many epochs. */

import { join } from 'node:path';
import { loadEngine } from '../../lib/engine/engine.js';
import { atSize, loadTrainable, prepareGraph } from '../../lib/run/prepare.js';
import { prepareData } from '../../lib/run/prepare-data.js';
import { search } from '../../lib/search/search.js';
import { configured, searchableOf } from '../../lib/search/space-of-graph.js';
import { train } from '../../lib/train/train.js';
import { IMAGES, MODELS, NETWORK } from './accuracy.js';
import type { Bar } from './stage1.js';

const TRIALS = 20;
const EPOCHS = 3;
const RATE = 0.02;
/** As much as trials learn from the original by default, on either side. */
const DISTILL = 0.95;

export async function cost({ folder }: { folder: string }): Promise<Bar[]> {
  const engine = await loadEngine();
  const model = join(MODELS, NETWORK);
  const hooks = { onEvent: () => undefined };
  const common = {
    data: IMAGES,
    seed: 0,
    batchSize: 32,
    preprocessing: 'keras-tf',
    augment: 'none',
    flip: true,
  } as const;
  const settings = { ...common, model };
  const loaded = await loadTrainable(model);
  const data = await prepareData(loaded, settings, hooks);
  const graph = await prepareGraph(engine, atSize(loaded, data.preprocessing), data, settings, hooks);
  const given = { train: data.train, validation: data.validation, fingerprint: data.dataset.fingerprint };

  // No trial is stopped early, so that both sides train the same epochs.
  const training = { distill: DISTILL };
  const options = { trials: TRIALS, epochs: EPOCHS, depth: 1, seed: 0, stop: 'none', featureFolder: folder } as const;
  const begun = performance.now();
  const { trials } = await search(engine, graph, given, { ...options, training });
  const cached = (performance.now() - begun) / 1000;

  const searchable = searchableOf(graph);
  const started = performance.now();
  for (const { configuration, trial } of trials) {
    const network = await configured(searchable, configuration, trial);
    const distillation = { teacher: graph, weight: DISTILL };
    await train(engine, network, data, { epochs: EPOCHS, learningRate: RATE, seed: trial, distillation });
    process.stderr.write(`end to end: trial ${trial + 1} of ${TRIALS}\n`);
  }
  const whole = (performance.now() - started) / 1000;
  data.close();
  const name = `a search of ${TRIALS} trials at one depth, ${EPOCHS} epochs each`;
  const rivalName = 'the same trained end to end from images';
  const ratio = whole / cached;
  return [{ name, bar: '<= 1/10', ours: cached, rival: whole, rivalName, unit: 's', ratio, met: ratio >= 10 }];
}
