import { expect, test } from '@jest/globals';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import type { Batch } from '../../lib/data/batch.js';
import { loadEngine } from '../../lib/engine/engine.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { measureSensitivity } from '../../lib/prune/measure-sensitivity.js';
import { pruneOnce } from '../../lib/prune/one-shot.js';
import { lowestHalf, scaledBySensitivity } from '../../lib/prune/sensitivity.js';
import { removeChannels } from '../../lib/surgery/remove.js';
import { FAMILIES } from '../models/families.js';
import { randomInput, runModel } from '../models/runtime.js';

import { sourceOf } from './figures.js';

const OPTIONS = { criterion: 'l1', ignore: () => false, seed: 1 };

/** The mean cross-entropy of a graph, by ONNX Runtime and arithmetic. */
async function lossOf(graph: Graph, { inputs, shape, labels }: Batch): Promise<number> {
  const outputs = await runModel(encodeOnnx(graph), { inputs: { input: { dims: shape, data: inputs } } });
  const [{ data, dims } = { data: new Float32Array(), dims: [] }] = Object.values(outputs);
  const classes = dims[1] ?? 1;
  let loss = 0;
  for (const [row, label] of labels.entries()) {
    const logits = data.subarray(row * classes, (row + 1) * classes);
    const most = Math.max(...logits);
    loss += Math.log(logits.reduce((sum, value) => sum + Math.exp(value - most), 0)) + most - (logits[label] ?? 0);
  }
  return loss / labels.length;
}

function network(): Graph {
  const graph = FAMILIES.squeezenet?.({ width: 0.125, size: 32, classes: 5, seed: 3 });
  if (!graph) throw new Error('SqueezeNet is missing.');
  return graph;
}

test('the rise of the loss without half of each group is what ONNX Runtime says', async () => {
  const graph = network();
  const shape = [4, 3, 32, 32];
  const batch: Batch = { inputs: randomInput(shape, 5), shape, layout: 'plain', labels: Int32Array.of(0, 1, 2, 3) };
  const found = await measureSensitivity(await loadEngine(), graph, sourceOf([batch]), OPTIONS);
  const dependencies = dependencyGroups(graph);
  expect(found.map(({ id }) => id)).toEqual(dependencies.groups.map(({ id }) => id));
  const before = await lossOf(graph, batch);
  const { plan } = await pruneOnce(graph, {
    ...OPTIONS,
    ...{ lambda: 0, merge: false, targets: {}, ratio: 0.5, roundTo: 1, minChannels: 1, maxRatio: 0.9 },
  });
  for (const { id, removed, rise } of found) {
    const lowest = plan.groups.find((group) => group.id === id)?.removed ?? [];
    expect(removed).toBe(lowest.length);
    const { graph: cut } = await removeChannels(graph, new Map([[id, { channels: lowest }]]), dependencies);
    expect(rise).toBeCloseTo((await lossOf(cut, batch)) - before, 4);
  }
});

test('scores add up to what was measured for the lowest half', () => {
  const groups = ['a', 'b', 'c', 'new'].map((id) => ({ id, channels: 4, members: [] }));
  const scores = groups.map((_, number) => Float64Array.of(4, 1, 3, 2).map((score) => score * (number + 1)));
  const measured = [0.3, 0.6, -0.1].map((rise, number) => ({
    id: groups[number]?.id ?? '',
    channels: 4,
    removed: 2,
    rise,
  }));
  const scaled = scaledBySensitivity(groups, scores, measured);
  const halves = scaled.map((score) => lowestHalf(score).reduce((sum, channel) => sum + (score[channel] ?? 0), 0));
  expect(halves[0]).toBeCloseTo(0.3);
  expect(halves[1]).toBeCloseTo(0.6);
  // Cheap, but the order within a group stays.
  expect(halves[2]).toBeCloseTo(0.0006);
  expect(lowestHalf(scaled[2] ?? new Float64Array())).toEqual([1, 3]);
  // One that was not measured is scaled as the others are in the mean.
  expect((scaled[3]?.[0] ?? 0) / 16).toBeCloseTo((0.3 / 3 + 0.6 / 6 + 0.0006 / 9) / 3);
  expect(scaledBySensitivity(groups, scores, [])).toEqual(scores);
});
