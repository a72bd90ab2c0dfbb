import { expect, test } from '@jest/globals';
import { loadEngine } from '../../lib/engine/engine.js';
import type { Graph } from '../../lib/graph/graph.js';
import { layersBehind, layerwise } from '../../lib/train/layers.js';
import { train } from '../../lib/train/train.js';
import { graphBuilder } from '../models/builder.js';
import { CLASSES, textures } from './problem.js';

const engine = await loadEngine();

function network(): Graph {
  const b = graphBuilder('layers', { seed: 3 });
  let x = b.convBn(b.input([1, 8, 8]), 8, { kernel: 3, pad: 1, name: 'first' });
  x = b.relu(b.conv(x, 8, { kernel: 3, pad: 1, name: 'second' }));
  return b.build(b.gemm(b.flatten(b.globalAveragePool(x)), CLASSES, { name: 'fc' }));
}

test('layers are counted from the last one; a norm goes with the layer before it', () => {
  const behind = Object.fromEntries(layersBehind(network()));
  expect(behind).toMatchObject({ 'fc.weight': 0, 'fc.bias': 0, 'second.weight': 1, 'first.weight': 2 });
  const norms = Object.keys(behind).filter((name) => name.includes('.bn'));
  expect(norms).toHaveLength(2);
  for (const name of norms) expect(behind[name]).toBe(2);
});

test('rates fall by the factor from layer to layer; layers join in evenly, the first with an epoch left', () => {
  const { multiplier, startsAfter } = layerwise(network(), { layerDecay: 0.5, unfreeze: 10 }, 5);
  const names = ['fc.weight', 'second.weight', 'first.weight'];
  expect(names.map((name) => multiplier?.(name))).toEqual([1, 0.5, 0.25]);
  expect(names.map((name) => startsAfter?.(name))).toEqual([0, 2, 4]);
  expect(layerwise(network(), { layerDecay: 1, unfreeze: 0 }, 5)).toEqual({});
});

test('a layer that has not joined in stays as it was, to the bit', async () => {
  const graph = network();
  const data = { train: textures(48, 16, 1), validation: textures(24, 24, 2) };
  const seen: Record<string, boolean[]> = { 'fc.weight': [], 'second.weight': [], 'first.weight': [] };
  await train(engine, graph, data, {
    epochs: 3,
    learningRate: 0.01,
    ...layerwise(graph, { layerDecay: 1, unfreeze: 2 }, 3),
    onEpoch: async (_, model) => {
      const weights = await model.weights();
      for (const [name, moved] of Object.entries(seen)) {
        const [now, then] = [weights.get(name)?.data, graph.initializers.get(name)?.data];
        moved.push(!then?.every((value, index) => value === now?.[index]));
      }
    },
  });
  expect(seen).toEqual({
    'fc.weight': [true, true, true],
    'second.weight': [false, true, true],
    'first.weight': [false, false, true],
  });
});
