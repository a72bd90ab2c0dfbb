import { expect, test } from '@jest/globals';
import type { RunEvent } from '../../lib/run/hooks.js';
import { tellOfOtherSeed } from '../../lib/run/split-seed.js';
import { graphBuilder } from '../models/builder.js';

test('a model that was made with another seed has seen what are test samples now, and that is said', () => {
  const b = graphBuilder('seeded');
  const graph = b.build(b.node('Relu', [b.input([3, 4, 4])]));
  const events: RunEvent[] = [];
  const hooks = { onEvent: (event: RunEvent) => events.push(event) };
  const made = { ...graph, metadata: { 'tascnet.seed': '3' } };
  tellOfOtherSeed(graph, 'm.onnx', 0, hooks);
  tellOfOtherSeed(made, 'm.onnx', 3, hooks);
  expect(events).toEqual([]);
  tellOfOtherSeed(made, 'm.onnx', 0, hooks);
  expect(events).toMatchObject([{ kind: 'warning', message: /^m\.onnx was made with --seed 3, but/ }]);
});
