import { expect, test } from '@jest/globals';
import { fold } from '../../lib/analyze/fold.js';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { graphBuilder } from '../models/builder.js';
import { runModel } from '../models/runtime.js';

/** As exporters leave it that store equal tensors once: what reads `other` reads `one`. */
function merged(graph: Graph, pairs: readonly (readonly [one: string, other: string])[]): Graph {
  const into = new Map(pairs.map(([one, other]) => [other, one]));
  const initializers = new Map([...graph.initializers].filter(([name]) => !into.has(name)));
  const nodes = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map((name) => into.get(name) ?? name) }));
  return { ...graph, nodes, initializers };
}

function network(): Graph {
  const b = graphBuilder('vectors');
  let x = b.relu(b.conv(b.input([3, 6, 6]), 8, { pad: 1, name: 'first' }));
  x = b.relu(b.bn(b.conv(x, 8, { pad: 1, name: 'second', bias: false }), { name: 'secondNorm' }));
  x = b.relu(b.bn(b.conv(x, 8, { pad: 1, name: 'third' }), { name: 'thirdNorm' }));
  return b.build(b.gemm(b.flatten(b.globalAveragePool(x)), 4, { name: 'fc' }));
}

const channelsOf = (graph: Graph) => dependencyGroups(graph).groups.map(({ id, channels }) => [id, channels]);

test('layers that read one vector get one each, and their channels are free of each other', async () => {
  const graph = network();
  const names = [...graph.initializers.keys()].filter((name) => name.startsWith('secondNorm'));
  expect(names).toHaveLength(4);
  const norms = names.map((name) => [name, name.replace('second', 'third')] as const);
  const stored = merged(graph, [['first.bias', 'third.bias'], ...norms]);
  expect(channelsOf(stored)).toHaveLength(1);
  const own = fold(stored);
  expect(channelsOf(own)).toEqual(channelsOf(graph));
  expect(await runModel(encodeOnnx(own))).toEqual(await runModel(encodeOnnx(stored)));
  expect(own.initializers.get('first.bias_1')).toBe(own.initializers.get('first.bias'));
  expect(own.nodes.filter(({ inputs }) => inputs.includes('first.bias')).map(({ name }) => name)).toEqual(['first']);
  expect(fold(own)).toEqual(own);
});

test('layers that share their weights are one, and keep sharing their vectors', () => {
  const stored = merged(network(), [
    ['second.weight', 'third.weight'],
    ['first.bias', 'third.bias'],
  ]);
  const twice = merged(stored, []);
  const [second, third] = ['second', 'third'].map((name) => twice.nodes.find((node) => node.name === name));
  second?.inputs.push('first.bias');
  const own = fold(twice);
  const biasOf = (name: string | undefined) => own.nodes.find((node) => node.name === name)?.inputs[2];
  expect(biasOf('first')).toBe('first.bias');
  expect(biasOf(second?.name)).toBe('first.bias_1');
  expect(biasOf(third?.name)).toBe('first.bias_1');
});
