import { expect, test } from '@jest/globals';
import { preprocessingFor } from '../../lib/data/preprocessing.js';
import { loadEngine } from '../../lib/engine/engine.js';
import { searchStage, winnerTraining } from '../../lib/run/search-stage.js';
import { train } from '../../lib/train/train.js';
import { temporaryFolder } from '../data/folders.js';
import { graphBuilder } from '../models/builder.js';
import { mislabelled, textureNetwork, textures } from '../train/problem.js';

const engine = await loadEngine();

test('the winner of a search learns in all layers or those that were searched, from the network that it was made of', () => {
  const b = graphBuilder('two convolutions');
  const middle = b.relu(b.bn(b.conv(b.input([1, 8, 8]), 8, { pad: 1, name: 'first' })));
  const x = b.relu(b.conv(middle, 8, { pad: 1, name: 'second' }));
  const graph = b.build(b.gemm(b.flatten(b.globalAveragePool(x)), 3, { name: 'fc' }));
  const found = { graph, outcome: { cut: middle.name } };

  const searched = { distill: 0.9, learningRate: 0.003, winnerLayers: 'searched', winnerLearningRate: 0.002 } as const;
  const { frozen, distillation, learningRate } = winnerTraining(graph, found, searched, false);
  expect(learningRate).toBe(0.002);
  expect(distillation).toEqual({ teacher: graph, weight: 0.9 });
  const stays = [...graph.initializers.keys()].filter((name) => frozen?.(name));
  expect(stays).toEqual([...graph.initializers.keys()].filter((name) => !/^(second|fc)/.test(name)));
  expect(stays.length).toBeGreaterThanOrEqual(5);

  const all = winnerTraining(graph, found, { distill: 0, learningRate: 0.003 }, false);
  expect(all).toEqual({ startCounts: true, samples: 'train', learningRate: expect.closeTo(0.001, 10) });
  // A run that an earlier version began does not know where its frozen part ended.
  expect(winnerTraining(graph, { graph, outcome: {} }, searched, false).frozen).toBeUndefined();
  // Its first layers have not been prepared for images of that size.
  const { winnerLearningRate: _, ...atDefault } = searched;
  const distilled = { distillation: { teacher: graph, weight: 0.9 } };
  expect(winnerTraining(graph, found, atDefault, true)).toEqual({ ...distilled, learningRate: 0.003 });
  expect(winnerTraining(graph, found, searched, true)).toEqual({ ...distilled, learningRate: 0.002 });
});

test('trials of a stage learn from its network and with the smoothing of the settings', async () => {
  const [good, validation] = [textures(96, 32, 1), textures(48, 24, 2)];
  const { graph } = await train(
    engine,
    textureNetwork(),
    { train: good, validation },
    { epochs: 10, learningRate: 0.05 },
  );
  const data = {
    train: mislabelled(good),
    validation,
    classWeights: [],
    dataset: { fingerprint: 'mislabelled' },
    preprocessing: preprocessingFor(graph, { preset: '0..1' }),
  };
  process.env.TASCNET_CACHE = await temporaryFolder();
  const settings = {
    ...({ data: '', seed: 0, batchSize: 32, augment: 'none', flip: false, classWeights: false } as const),
    ...{ trials: 1, trialEpochs: 8, depth: 1, threads: 2 },
  };
  const firstTrial = async (distill: number, labelSmoothing: number) => {
    const asked = { ...settings, distill, labelSmoothing };
    const [trial] = (await searchStage(engine, graph, data, asked, { onEvent: () => undefined })).outcome.trials;
    return { loss: trial?.loss ?? Number.NaN, last: trial?.curve.at(-1) ?? Number.NaN };
  };
  expect((await firstTrial(1, 0)).last).toBeGreaterThan(0.9);
  expect((await firstTrial(0, 0)).last).toBeLessThan(0.7);
  // With nothing but smoothing no class is more likely than another.
  expect((await firstTrial(0, 1)).loss).toBeGreaterThan((await firstTrial(1, 0)).loss);
});
