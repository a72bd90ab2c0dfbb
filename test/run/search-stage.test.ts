import { expect, test } from '@jest/globals';
import { winnerTraining } from '../../lib/run/search-stage.js';
import { graphBuilder } from '../models/builder.js';

test('the winner of a search learns in the layers that were searched, from the network that it was made of', () => {
  const b = graphBuilder('two convolutions');
  const middle = b.relu(b.bn(b.conv(b.input([1, 8, 8]), 8, { pad: 1, name: 'first' })));
  const x = b.relu(b.conv(middle, 8, { pad: 1, name: 'second' }));
  const graph = b.build(b.gemm(b.flatten(b.globalAveragePool(x)), 3, { name: 'fc' }));
  const found = { graph, outcome: { cut: middle.name } };

  const { frozen, distillation } = winnerTraining(graph, found, { distill: 0.9 }, false);
  expect(distillation).toEqual({ teacher: graph, weight: 0.9 });
  const stays = [...graph.initializers.keys()].filter((name) => frozen?.(name));
  expect(stays).toEqual([...graph.initializers.keys()].filter((name) => !/^(second|fc)/.test(name)));
  expect(stays.length).toBeGreaterThanOrEqual(5);

  const all = winnerTraining(graph, found, { distill: 0, winnerLayers: 'all' }, false);
  expect(all).toEqual({ startCounts: true });
  // A run that an earlier version began does not know where its frozen part ended.
  expect(winnerTraining(graph, { graph, outcome: {} }, {}, false)).toEqual({ startCounts: true });
  const resized = winnerTraining(graph, found, { distill: 0.9 }, true);
  expect(resized).toEqual({ distillation: { teacher: graph, weight: 0.9 } });
});
