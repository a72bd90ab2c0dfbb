import { expect, test } from '@jest/globals';
import { loadEngine } from '../../lib/engine/engine.js';
import type { RunEvent } from '../../lib/run/hooks.js';
import type { TrainingSettings } from '../../lib/run/settings.js';
import { finetune } from '../../lib/run/stages.js';
import { evaluate } from '../../lib/train/evaluate.js';
import { train } from '../../lib/train/train.js';
import { mislabelled, textureNetwork, textures } from '../train/problem.js';

const engine = await loadEngine();

const settings: TrainingSettings & { seed: number } = {
  epochs: 2,
  optimizer: 'sgd',
  learningRate: 0.5,
  schedule: 'constant',
  warmup: 0,
  weightDecay: 0,
  labelSmoothing: 0,
  classWeights: false,
  seed: 0,
};

test('weights that were trained before come back where training takes from them, and it is said', async () => {
  const [good, validation] = [textures(48, 16, 1), textures(24, 16, 2)];
  const { graph } = await train(
    engine,
    textureNetwork(),
    { train: good, validation },
    { epochs: 8, learningRate: 0.05 },
  );
  const before = await evaluate(engine, graph, validation);
  expect(before.accuracy).toBeGreaterThan(0.9);

  const bad = mislabelled(good);
  const data = { train: bad, student: bad, validation, classWeights: [] };
  const events: RunEvent[] = [];
  const hooks = { onEvent: (event: RunEvent) => events.push(event) };
  const worse = await finetune('winner', engine, graph, data, settings, 2, hooks);
  expect(worse.accuracy).toBeLessThan(before.accuracy);
  expect(events.filter(({ kind }) => kind === 'note')).toEqual([]);

  const kept = await finetune('winner', engine, graph, data, settings, 2, hooks, undefined, { startCounts: true });
  expect(kept).toEqual({ graph, accuracy: before.accuracy, loss: before.loss });
  expect(events.find(({ kind }) => kind === 'note')).toMatchObject({
    message: /No epoch bettered the weights as they came/,
  });

  // A rate that changes nothing, and samples that are not those of a training without a teacher.
  const still = { learningRate: 1e-9 };
  expect((await finetune('winner', engine, graph, data, settings, 1, hooks, undefined, still)).accuracy).toBe(
    before.accuracy,
  );
  const told = { ...data, student: good };
  const { accuracy } = await finetune('winner', engine, graph, told, settings, 2, hooks, undefined, {
    samples: 'student',
    learningRate: 1e-3,
  });
  expect(accuracy).toBeGreaterThan(worse.accuracy);

  const right = { train: good, student: good, validation, classWeights: [] };
  const quiet = { ...settings, learningRate: 1e-4 };
  const trained = await finetune('winner', engine, graph, right, quiet, 2, hooks, undefined, { startCounts: true });
  expect(trained.accuracy).toBeGreaterThanOrEqual(before.accuracy);
});
