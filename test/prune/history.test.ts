import { describe, expect, test } from '@jest/globals';
import { type Dependencies, dependencyGroups, type Group } from '../../lib/analyze/groups.js';
import { loadEngine } from '../../lib/engine/engine.js';
import { buildModel } from '../../lib/engine/model.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { float32, float32Data, type Tensor } from '../../lib/graph/tensor.js';
import { cosinePairs } from '../../lib/native.js';
import { pairLoss, recordHistory, removalOf } from '../../lib/prune/history.js';
import { departuresOf, type Pair, pairScores, similarPairs } from '../../lib/prune/pairs.js';
import { removeChannels } from '../../lib/surgery/remove.js';
import { graphBuilder } from '../models/builder.js';
import { relativeError, runModel } from '../models/runtime.js';
import { expectClose, figures, withWeights } from './figures.js';

const engine = await loadEngine();
const { tf } = engine;
const stored = figures.history;
const CRITERIA = ['history', 'history-cosine', 'history-l1'] as const;

/** Two convolutions that make the same eight channels, whose histories are those of the figures. */
function twoMakers(): Graph {
  const b = graphBuilder('two makers');
  const wide = b.conv(b.input([2, 6, 6]), 8, { pad: 1, name: 'wide' });
  const narrow = b.conv(b.input([4, 6, 6], { name: 'other' }), 8, { kernel: 1, name: 'narrow' });
  return b.build(b.gemm(b.flatten(b.globalAveragePool(b.relu(b.add(wide, narrow)))), 3));
}

function epoch(number: number): Map<string, Tensor> {
  const weights = stored.epochs[number] ?? [];
  return new Map(
    ['wide.weight', 'narrow.weight'].map((name, index) => [
      name,
      float32(stored.dims[index] ?? [], Float32Array.from(weights[index] ?? [])),
    ]),
  );
}

describe('a history equals a plain computation over all stored weights', () => {
  const graph = twoMakers();
  const dependencies = dependencyGroups(graph);
  const [group] = dependencies.groups;
  if (!group) throw new Error('The two makers have no group.');
  const history = recordHistory(graph, dependencies);

  test('products, summed L1 and similarities', async () => {
    for (const number of stored.epochs.keys()) await history.record(epoch(number));
    const { gram, l1 } = await history.summary(group);
    expectClose(gram, stored.gram, 1e-6);
    expectClose(l1, stored.l1, 1e-6);
    const { first, second, similarity } = await cosinePairs(gram, 8, 28);
    for (const [index, cosine] of similarity.entries())
      expect(cosine).toBeCloseTo(stored.cosine[(first[index] ?? 0) * 8 + (second[index] ?? 0)] ?? 0, 6);
  });

  test.each(CRITERIA)('%s: pairs are chosen as numpy chooses them', async (criterion) => {
    const { gram, l1 } = await history.summary(group);
    const { gone, pairs } = stored.chosen[criterion];
    const departures = await departuresOf(gram, l1, criterion);
    for (let count = 1; count <= gone.length; count++) {
      const chosen = similarPairs(departures, count);
      expect(chosen).toEqual(pairs[count - 1]);
      expect(removalOf(chosen, l1, false).channels).toHaveLength(count);
    }
    const scores = pairScores(departures);
    expect([...scores.keys()].sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0))[0]).toBe(gone[0]);
  });
});

test('after a cut the history is that of the channels that stayed', async () => {
  const graph = twoMakers();
  const dependencies = dependencyGroups(graph);
  const [group] = dependencies.groups;
  if (!group) throw new Error('The two makers have no group.');
  const history = recordHistory(graph, dependencies);
  for (const number of stored.epochs.keys()) await history.record(epoch(number));
  const removals = new Map([[group.id, { channels: [1, 4, 6] }]]);
  const { graph: cut, kept } = await removeChannels(graph, removals, dependencies);
  const [left] = dependencyGroups(cut).groups;
  if (!left) throw new Error('Nothing is left of the group.');
  const stay = [0, 2, 3, 5, 7];
  const { gram, l1 } = await history.summary(left, kept);
  expectClose(
    l1,
    stay.map((channel) => stored.l1[channel] ?? Number.NaN),
    1e-6,
  );
  expectClose(
    gram,
    stay.flatMap((a) => stay.map((b) => stored.gram[a * 8 + b] ?? Number.NaN)),
    1e-6,
  );
});

test('the history of a channel holds all of its elements where it has several', async () => {
  // A grouped convolution loses whole groups: each channel of the group is two filters of the first layer.
  const b = graphBuilder('grouped', { seed: 3 });
  const first = b.conv(b.input([3, 6, 6]), 8, { name: 'first', bias: false });
  const grouped = b.conv(b.relu(first), 8, { groups: 4, kernel: 1, name: 'grouped' });
  const graph = b.build(b.gemm(b.flatten(b.globalAveragePool(grouped)), 3));
  const dependencies = dependencyGroups(graph);
  const group = dependencies.groups.find(({ members }) =>
    members.some(({ value, perChannel, role }) => value === 'first.weight' && role === 'makes' && perChannel === 2),
  );
  if (!group) throw new Error('The filters of the grouped convolution are not grouped.');
  const history = recordHistory(graph, dependencies);
  await history.record(graph.initializers);
  const { gram, l1 } = await history.summary(group);
  const expected = new Float64Array(group.channels);
  for (const { value, axis, indices, perChannel, role } of group.members) {
    const tensor = graph.initializers.get(value);
    if (role !== 'makes' || !tensor) continue;
    expect(axis).toBe(0);
    const data = float32Data(tensor, value);
    const inner = data.length / (tensor.dims[0] ?? 1);
    for (const [position, element] of indices.entries()) {
      const channel = Math.floor(position / perChannel);
      for (const weight of data.subarray(element * inner, (element + 1) * inner))
        expected[channel] = (expected[channel] ?? 0) + Math.abs(weight);
    }
  }
  expectClose(l1, expected, 1e-6);
  expect(gram[0]).toBeGreaterThan(0);
});

/** The products of rows. */
function gramOf(rows: readonly (readonly number[])[]): Float64Array {
  return Float64Array.from(
    rows.flatMap((a) => rows.map((b) => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0))),
  );
}

describe('pairs', () => {
  const random = randomGenerator('pairs');
  const many = Array.from({ length: 30 }, () => {
    const rows = Array.from({ length: 2 + random.int(14) }, () => Array.from({ length: 3 }, () => random.normal()));
    return { gram: gramOf(rows), l1: Float64Array.from(rows, (row) => row.reduce((sum, v) => sum + Math.abs(v), 0)) };
  });

  test('as many leave as are asked for, each into one that stays, whatever the L1 says by then', async () => {
    for (const [index, { gram, l1 }] of many.entries()) {
      const departures = await departuresOf(gram, l1, CRITERIA[index % 3] ?? 'history');
      for (let count = 0; count < l1.length; count++) {
        const pairs = similarPairs(departures, count);
        // Deletion goes by the L1 after the optimise phase, not by the one that the pairs were chosen with.
        for (const later of [l1, l1.map(() => random.next())]) {
          const { channels, merge = [] } = removalOf(pairs, later, true);
          expect(new Set(channels).size).toBe(count);
          expect(merge.map(([lost]) => lost)).toEqual(channels);
          for (const [lost, kept] of merge) {
            expect(channels).not.toContain(kept);
            expect(later[lost]).toBeLessThanOrEqual(later[kept] ?? 0);
          }
        }
      }
    }
  });

  test('similar filters are paired, not dissimilar ones: the published code sorts the wrong way', async () => {
    const gram = gramOf([
      [1, 0],
      [-1, 0.1],
      [0, 1],
      [0.02, 1],
    ]);
    for (const criterion of ['history', 'history-cosine'] as const)
      expect(similarPairs(await departuresOf(gram, Float64Array.of(1, 1, 1, 1), criterion), 1)).toEqual([[2, 3]]);
  });

  test('the smaller L1 after the optimise phase goes, not the one from before it', () => {
    const pairs: Pair[] = [[0, 1]];
    expect(removalOf(pairs, Float64Array.of(2, 1), true)).toEqual({ channels: [1], merge: [[1, 0]] });
    expect(removalOf(pairs, Float64Array.of(1, 2), true)).toEqual({ channels: [0], merge: [[0, 1]] });
    expect(removalOf(pairs, Float64Array.of(1, 2), false)).toEqual({ channels: [0] });
  });
});

describe('identical filters', () => {
  /** Convolution and dense layer, each with two neurons that are the same in all that makes them. */
  function network(): Graph {
    const b = graphBuilder('twins', { seed: 11 });
    const x = b.relu(b.bn(b.conv(b.input([2, 6, 6]), 6, { name: 'conv' }), { name: 'norm' }));
    const hidden = b.relu(b.gemm(b.flatten(x, 16), 7, { name: 'hidden' }));
    const graph = b.build(b.gemm(hidden, 3, { name: 'out' }));
    const twin = (name: string, from: number, to: number): [string, Tensor] => {
      const tensor = graph.initializers.get(name);
      if (!tensor) throw new Error(`${name} is missing.`);
      const data = Float32Array.from(float32Data(tensor, name));
      const inner = data.length / (tensor.dims[0] ?? 1);
      data.copyWithin(to * inner, from * inner, (from + 1) * inner);
      return [name, float32(tensor.dims, data)];
    };
    const twins = ['conv.weight', 'conv.bias'].map((name) => twin(name, 1, 4));
    const norms = ['weight', 'bias', 'running_mean', 'running_var'].map((name) => twin(`norm.${name}`, 1, 4));
    const neurons = ['hidden.weight', 'hidden.bias'].map((name) => twin(name, 6, 0));
    return withWeights(graph, [...twins, ...norms, ...neurons]);
  }

  test.each(['history', 'history-cosine'] as const)(
    '%s: are the first pair, and one merged into the other leaves the outputs as they were',
    async (criterion) => {
      const graph = network();
      const dependencies = dependencyGroups(graph);
      const history = recordHistory(graph, dependencies);
      await history.record(graph.initializers);
      const removals = new Map<string, ReturnType<typeof removalOf>>();
      for (const group of dependencies.groups) {
        const { id } = group;
        const { gram, l1 } = await history.summary(group);
        const pairs = similarPairs(await departuresOf(gram, l1, criterion), 1);
        expect([id, pairs]).toEqual([id, [id === 'conv.weight' ? [1, 4] : [0, 6]]]);
        removals.set(id, removalOf(pairs, l1, true));
      }
      expect(removals.size).toBe(2);
      const { graph: merged, plan } = await removeChannels(graph, removals, dependencies);
      expect(plan.groups.map(({ merged }) => merged.length)).toEqual([1, 1]);
      const [before, after] = await Promise.all([graph, merged].map((model) => runModel(encodeOnnx(model))));
      for (const [name, { data }] of Object.entries(before ?? {}))
        expect(relativeError(after?.[name]?.data ?? new Float32Array(), data)).toBeLessThan(1e-6);
    },
  );
});

describe('the extra term of the optimise phase', () => {
  const graph = twoMakers();
  const dependencies = dependencyGroups(graph);
  const pairs: Pair[][] = [
    [
      [0, 3],
      [1, 6],
      [1, 4],
    ],
  ];
  const lambda = 0.7;
  const makers = ['wide.weight', 'narrow.weight'];

  /** λ·exp(−Σ cos) in plain arithmetic. */
  function plain(weights: ReadonlyMap<string, Float32Array | Float64Array>): number {
    const row = (channel: number) =>
      makers.flatMap((name) => {
        const data = weights.get(name) ?? new Float64Array();
        return [...data.subarray((channel * data.length) / 8, ((channel + 1) * data.length) / 8)];
      });
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
    const similarity = (pairs[0] ?? []).reduce((sum, [a, b]) => {
      const [x, y] = [row(a), row(b)];
      return sum + dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
    }, 0);
    return lambda * Math.exp(-similarity);
  }

  const weightsOf = (from: Graph) =>
    new Map(makers.map((name) => [name, Float64Array.from(from.initializers.get(name)?.data as Float32Array)]));

  function valueAndGradients(from: Graph): { value: number; gradients: Map<string, Float32Array> } {
    const model = buildModel(engine, from);
    try {
      const loss = () => pairLoss(dependencies, pairs, lambda)(model, tf);
      const { value, grads } = tf.variableGrads(loss, [...model.variables.values()]);
      const gradients = makers.map((name): [string, Float32Array] => {
        const gradient = grads[model.variables.get(name)?.name ?? ''];
        if (!gradient) throw new Error(`${name} has no gradient.`);
        return [name, tf.tidy(() => model.inOnnxOrder(name, gradient).dataSync<'float32'>()).slice()];
      });
      return { value: value.dataSync()[0] ?? Number.NaN, gradients: new Map(gradients) };
    } finally {
      model.dispose();
    }
  }

  test('equals plain arithmetic, and its gradient finite differences', () => {
    const weights = weightsOf(graph);
    const { value, gradients } = valueAndGradients(graph);
    expect(value).toBeCloseTo(plain(weights), 5);
    for (const name of makers) {
      const data = weights.get(name) ?? new Float64Array();
      const differences = data.map((_, index) => {
        const moved = (by: number) => plain(new Map([...weights, [name, data.with(index, (data[index] ?? 0) + by)]]));
        return (moved(1e-5) - moved(-1e-5)) / 2e-5;
      });
      expectClose(gradients.get(name) ?? [], differences, 1e-4);
    }
  });

  test('going down its gradient makes pairs more alike', () => {
    const { value, gradients } = valueAndGradients(graph);
    const moved = new Map(
      [...weightsOf(graph)].map(([name, data]) => [
        name,
        data.map((weight, index) => weight - 0.1 * (gradients.get(name)?.[index] ?? 0)),
      ]),
    );
    expect(plain(moved)).toBeLessThan(value);
  });

  test('a filter of zeros neither counts nor breaks the gradient', () => {
    const dead = makers.map((name): [string, Tensor] => {
      const tensor = graph.initializers.get(name);
      const data = Float32Array.from(tensor?.data as Float32Array);
      return [name, float32(tensor?.dims ?? [], data.fill(0, (data.length / 8) * 3, (data.length / 8) * 4))];
    });
    const { value, gradients } = valueAndGradients(withWeights(graph, dead));
    expect(Number.isFinite(value)).toBe(true);
    for (const gradient of gradients.values()) expect(gradient.every(Number.isFinite)).toBe(true);
  });

  test('is the weight alone where there is no pair', () => {
    const model = buildModel(engine, graph);
    const none: Dependencies = { ...dependencies, groups: [] as Group[] };
    expect(tf.tidy(() => pairLoss(none, [], lambda)(model, tf).dataSync()[0])).toBeCloseTo(lambda, 6);
    model.dispose();
  });
});

test('what is lost with a channel is the part of its worth that its twin does not have', async () => {
  const random = randomGenerator('pair scores');
  const rows = Array.from({ length: 7 }, () => Array.from({ length: 12 }, () => random.normal()));
  rows[4] = (rows[1] ?? []).map((value) => 0.5 * value);
  const product = (a: number[] = [], b: number[] = []) => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
  const gram = Float64Array.from(rows.flatMap((a) => rows.map((b) => product(a, b))));
  const worth = Float64Array.from(rows, () => 1 + random.next());

  const scores = pairScores(await departuresOf(gram, worth, 'history'));

  // Of two channels that are alike but for their size the one that is worth less is the first to go; nothing is lost.
  const lesser = (worth[4] ?? 0) < (worth[1] ?? 0) ? 4 : 1;
  expect(scores.indexOf(Math.min(...scores))).toBe(lesser);
  expect(scores[lesser]).toBeCloseTo(0, 6);
  const ascending = [...scores.keys()].sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  const last = ascending.at(-1) ?? 0;
  const others = ascending.slice(0, -1);
  expect(scores[last]).toBeCloseTo(
    others.reduce((sum, channel) => sum + (scores[channel] ?? 0), 0),
    9,
  );
  // Distance of each lost channel's weights from the line through its twin's, found by projection.
  const distances = others.map((channel) =>
    rows
      .filter((_, other) => other !== channel)
      .map((twin) => {
        const row = rows[channel] ?? [];
        const along = product(row, twin) / product(twin, twin);
        const rest = row.map((value, at) => value - along * (twin[at] ?? 0));
        return (product(rest, rest) / product(row, row)) * (worth[channel] ?? 0);
      }),
  );
  // Of those that score alike one was lost with that much, and the others with less, after it.
  for (const score of new Set(others.map((channel) => scores[channel] ?? 0))) {
    const alike = [...others.keys()].filter((place) => scores[others[place] ?? 0] === score);
    const nearest = Math.min(...alike.flatMap((place) => distances[place] ?? []).map((d) => Math.abs(d - score)));
    expect(nearest).toBeLessThan(1e-6);
  }
});
