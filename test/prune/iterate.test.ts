import { describe, expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import type { BatchSource } from '../../lib/data/batch.js';
import { fromEpoch } from '../../lib/data/batch.js';
import { loadEngine } from '../../lib/engine/engine.js';
import type { Graph } from '../../lib/graph/graph.js';
import { criterionNamed } from '../../lib/prune/criteria/index.js';
import { measureTaylor } from '../../lib/prune/gradients.js';
import { recordHistory, removalOf } from '../../lib/prune/history.js';
import { historyStep } from '../../lib/prune/history-step.js';
import { type Pruned, prune } from '../../lib/prune/iterate.js';
import type { PruneOptions, RetrainOptions, StepState } from '../../lib/prune/options.js';
import { departuresOf, similarPairs } from '../../lib/prune/pairs.js';
import { type Removal, removeChannels } from '../../lib/surgery/remove.js';
import { evaluate } from '../../lib/train/evaluate.js';
import { recalibrate } from '../../lib/train/recalibrate.js';
import type { Checkpoint, TrainState } from '../../lib/train/state.js';
import { train } from '../../lib/train/train.js';
import { textureNetwork, textures } from '../train/problem.js';

const engine = await loadEngine();
const data = { train: textures(192, 48, 1), validation: textures(96, 96, 2), calibration: textures(48, 48, 1) };
const training = { learningRate: 0.05, optimizer: { kind: 'sgd', momentum: 0.9 } } as const;
const dense = (await train(engine, textureNetwork(), data, { ...training, epochs: 5, seed: 1 })).graph;
const baseline = (await evaluate(engine, dense, data.validation)).accuracy;

const OPTIONS: PruneOptions = {
  criterion: 'taylor',
  lambda: 1,
  merge: true,
  targets: { macs: 0.4 },
  roundTo: 1,
  minChannels: 2,
  maxRatio: 0.9,
  ignore: () => false,
  seed: 5,
};

const RETRAIN: RetrainOptions = {
  epochs: 3,
  steps: 3,
  cuts: 1,
  tolerance: 0.05,
  reconstruct: true,
  distill: 0,
  training,
};

/** All that was decided and learnt. */
function outcome({ graph, ...rest }: Pruned): unknown {
  return { ...rest, weights: [...graph.initializers] };
}

test('the network to prune is a good one', () => {
  expect(baseline).toBeGreaterThan(0.95);
});

describe.each(['taylor', 'l1', 'history', 'history-cosine', 'history-l1'])('%s', (criterion) => {
  const options = { ...OPTIONS, criterion };
  const retrain = criterion.startsWith('history') ? { ...RETRAIN, epochs: 9 } : RETRAIN;

  test('meets its target in steps, whether or not it is interrupted, and does the same again', async () => {
    const states: StepState[] = [];
    const whole = await prune(engine, dense, data, options, {
      ...retrain,
      onStep: async (state) => {
        states.push(state);
      },
    });
    expect(states.map(({ step }) => step)).toEqual([0, 1, 2]);
    expect(whole.steps.map(({ accuracy }) => accuracy)).toEqual(states.map(({ accuracy }) => accuracy));
    const last = states.at(-1);
    expect(last?.macs).toBeLessThanOrEqual(0.4 * costOf(dense).macs);
    expect(last?.macs).toBe(last && costOf(last.graph).macs);
    // Equal factors on the way.
    for (const [step, { macs }] of states.entries())
      expect(macs / costOf(dense).macs).toBeLessThanOrEqual(0.4 ** ((step + 1) / 3) + 1e-9);
    expect(states[0]?.macs).toBeGreaterThan(0.55 * costOf(dense).macs);

    for (const done of [1, 3]) {
      const resumed = await prune(engine, dense, data, options, { ...retrain, finished: states.slice(0, done) });
      expect(outcome(resumed)).toEqual(outcome(whole));
    }
  });
});

test('a training that was cut short within a step goes on where it was', async () => {
  const options = { ...OPTIONS, criterion: 'l1' };
  const retrain = { ...RETRAIN, epochs: 4, steps: 2 };
  const whole = await prune(engine, dense, data, options, retrain);
  const saved = new Map<number, TrainState>();
  const checkpoint = (step: number): Checkpoint => ({
    load: async () => saved.get(step),
    save: async (state) => {
      saved.set(step, state);
    },
  });
  const stop = new AbortController();
  const states: StepState[] = [];
  const interrupted = prune(
    engine,
    dense,
    data,
    { ...options, signal: stop.signal },
    {
      ...retrain,
      checkpoint,
      onStep: async (state) => {
        states.push(state);
      },
      onEpoch: (step, _, { epoch }) => {
        if (step === 1 && epoch === 1) stop.abort();
      },
    },
  );
  await expect(interrupted).rejects.toThrow();
  expect([...saved.keys()]).toEqual([0, 1]);
  const resumed = await prune(engine, dense, data, options, { ...retrain, checkpoint, finished: states });
  expect(outcome(resumed)).toEqual(outcome(whole));
});

describe('the result', () => {
  /** Finished steps of these accuracies. */
  function steps(accuracies: readonly number[]): StepState[] {
    return accuracies.map((accuracy, step) => ({
      step,
      graph: { ...dense, name: `step ${step}` },
      plan: { groups: [], pinned: [] },
      accuracy,
      macs: 1000 - step,
      parameters: 100 - step,
    }));
  }

  test('is the last within the tolerance, not the one that broke it', async () => {
    const good = baseline - 0.04;
    for (const [accuracies, expected] of [
      [[good, good, good], 2],
      [[good, good, baseline - 0.06], 1],
      [[good, 0.1, good], 2],
      [[baseline - 0.05, 0.1, 0.2], 0],
    ] as const) {
      const { graph, accuracy, macs } = await prune(engine, dense, data, OPTIONS, {
        ...RETRAIN,
        finished: steps(accuracies),
      });
      expect(graph.name).toBe(`step ${expected}`);
      expect([accuracy, macs]).toEqual([accuracies[expected], 1000 - expected]);
    }
  });

  test('is the given network when no step is within the tolerance, and the target is missed', async () => {
    const result = await prune(engine, dense, data, OPTIONS, { ...RETRAIN, finished: steps([0.2, 0.2, 0.2]) });
    expect(result.graph).toBe(dense);
    expect(result.met).toBe(false);
    expect(result.accuracy).toBe(baseline);
    expect(result.plan.groups).toEqual([]);
  });

  test('without a goal, pruning ends with the first step that breaks the tolerance', async () => {
    const cuts: number[] = [];
    const options = { ...OPTIONS, targets: {} };
    const stopped = await prune(engine, dense, data, options, {
      ...RETRAIN,
      epochs: 10,
      steps: 10,
      finished: steps([1, 1, 0.1]),
      onCut: (step) => cuts.push(step),
    });
    expect(cuts).toEqual([]);
    expect(stopped.graph.name).toBe('step 1');
  });
});

test('without a goal, pruning goes on while accuracy holds', async () => {
  const { steps, ...result } = await prune(
    engine,
    dense,
    data,
    { ...OPTIONS, targets: {}, criterion: 'random' },
    { ...RETRAIN, epochs: 10, steps: undefined, reconstruct: false, training: { ...training, learningRate: 1e-6 } },
  );
  // Nothing is learnt, so that sooner or later it breaks.
  expect(steps.length).toBeLessThan(10);
  for (const { accuracy } of steps.slice(0, -1)) expect(accuracy).toBeGreaterThanOrEqual(baseline - 0.05);
  expect(steps.at(-1)?.accuracy).toBeLessThan(baseline - 0.05);
  expect(result.macs).toBe(steps.at(-2)?.macs ?? costOf(dense).macs);
  expect(costOf(result.graph).macs).toBe(result.macs);
});

test('right after a cut, a repaired network errs less than one that is not', async () => {
  const accuracyAfterCut = async (reconstruct: boolean) => {
    const seen: number[] = [];
    const options = { ...OPTIONS, criterion: 'random', targets: { macs: 0.5 } };
    await prune(engine, dense, data, options, {
      ...RETRAIN,
      epochs: 1,
      steps: 1,
      reconstruct,
      onCut: (_, __, { accuracy }) => seen.push(accuracy),
    });
    return seen[0] ?? 0;
  };
  expect(await accuracyAfterCut(true)).toBeGreaterThan(await accuracyAfterCut(false));
});

test('training that does harm leaves the repaired network', async () => {
  const seen: number[] = [];
  const harmful = { ...training, optimizer: { kind: 'sgd', momentum: 0 }, learningRate: 1e4 } as const;
  const { graph, accuracy } = await prune(
    engine,
    dense,
    data,
    { ...OPTIONS, criterion: 'taylor' },
    {
      ...RETRAIN,
      ...{ epochs: 1, steps: 1, tolerance: 1, training: harmful },
      onCut: (_, __, cut) => seen.push(cut.accuracy),
    },
  );
  expect([accuracy]).toEqual(seen);
  expect((await evaluate(engine, graph, data.validation)).accuracy).toBe(accuracy);
});

test('a ratio is reached in several cuts and steps, whatever is rounded on the way', async () => {
  const options = { ...OPTIONS, criterion: 'l1', targets: {}, ratio: 0.5, roundTo: 8 };
  const channels = dependencyGroups(dense).groups.map(({ id }) => id);
  for (const [steps, cuts] of [
    [1, 4],
    [3, 2],
  ] as const) {
    const { graph, plan } = await prune(engine, dense, data, options, { ...RETRAIN, tolerance: 1, steps, cuts });
    expect(dependencyGroups(graph).groups.map((group) => [group.id, group.channels])).toEqual(
      channels.map((id) => [id, 8]),
    );
    expect(plan.groups.map(({ channels, removed }) => channels - removed.length)).toEqual([8]);
  }
});

test('no epoch of the data is seen twice, and no more than the budget', async () => {
  for (const criterion of ['l1', 'history']) {
    const seen: number[] = [];
    const watched: BatchSource = {
      ...data.train,
      batches: (epoch) => {
        seen.push(epoch);
        return data.train.batches(epoch);
      },
    };
    const retrain = { ...RETRAIN, epochs: 6, steps: 2, reconstruct: false };
    const told: number[][] = [];
    await prune(
      engine,
      dense,
      { ...data, train: watched },
      { ...OPTIONS, criterion },
      { ...retrain, onEpoch: (step, epochs, { epoch }) => told.push([step, epochs, epoch]) },
    );
    const epochsOf = (step: number) => told.filter(([of]) => of === step);
    for (const step of [0, 1]) {
      const { length } = epochsOf(step);
      expect(epochsOf(step)).toEqual(Array.from({ length }, (_, epoch) => [step, length, epoch]));
    }
    expect(told).toHaveLength(6);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  }
});

test.each([
  ['history', undefined, 0.1],
  ['history-cosine', 0.5, 0.5],
] as const)(
  'a step of the %s method trains in both phases as it is asked to, class weights included; rate %p',
  async (criterion, historyRate, rate) => {
    const asked = { ...training, optimizer: { kind: 'sgd', momentum: 0 }, classWeights: [0.2, 1, 3] } as const;
    // With λ = 0 the optimise phase is plain training.
    const options = {
      ...OPTIONS,
      criterion,
      historyRate,
      lambda: 0,
      merge: false,
      targets: {},
      ratio: 0.25,
    };
    const retrain = { ...RETRAIN, reconstruct: false, training: asked };
    const dependencies = dependencyGroups(dense);
    const cut = await historyStep(
      engine,
      dense,
      data,
      options,
      retrain,
      {
        from: costOf(dense),
        originalChannels: new Map(dependencies.groups.map((group) => [group.id, group.channels])),
      },
      { criterion, epochs: { record: 1, optimise: 2 }, seed: 5 },
    );

    const trained = async (later: readonly number[]) => {
      const history = recordHistory(dense, dependencies);
      const phase = (graph: Graph, first: number, epochs: number, classWeights: readonly number[]) =>
        train(
          engine,
          graph,
          { ...data, train: fromEpoch(data.train, first) },
          {
            ...asked,
            learningRate: asked.learningRate * rate,
            classWeights,
            epochs,
            seed: 5,
            restoreBest: false,
            onEpoch: async (_, model) => history.record(await model.weights()),
          },
        );
      const recorded = await phase(dense, 0, 1, asked.classWeights);
      const { graph } = await phase(recorded.graph, 1, 2, later);
      // What goes is told by all epochs, those of the optimise phase included, and by what is there after it.
      const taylor = await measureTaylor(engine, graph, dependencies, data.calibration, undefined);
      const byLoss = await criterionNamed('taylor').scores({ graph, dependencies, seed: 5, signal: undefined, taylor });
      const removals = new Map<string, Removal>();
      for (const [number, group] of dependencies.groups.entries()) {
        const { gram, l1 } = await history.summary(group);
        const worth = criterion === 'history' ? (byLoss[number] ?? l1) : l1;
        const pairs = similarPairs(await departuresOf(gram, worth, criterion), group.channels / 4);
        removals.set(group.id, removalOf(pairs, worth, false));
      }
      const removed = (await removeChannels(graph, removals)).graph;
      return [...(await recalibrate(engine, removed, data.calibration, 1)).initializers];
    };
    expect(cut.plan.groups.length).toBeGreaterThan(0);
    expect([...cut.graph.initializers]).toEqual(await trained(asked.classWeights));
    expect([...cut.graph.initializers]).not.toEqual(await trained([1, 1, 1]));
  },
);
