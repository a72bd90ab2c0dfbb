import { expect, test } from '@jest/globals';
import { winnerTraining } from '../../lib/run/search-stage.js';
import { graphBuilder } from '../models/builder.js';

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
  const resized = winnerTraining(graph, found, { ...searched, winnerLearningRate: undefined }, true);
  expect(resized).toEqual({ distillation: { teacher: graph, weight: 0.9 } });
});
