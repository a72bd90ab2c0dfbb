/** Where channels go on their way: shuffles, groups, splits into heads, normalisations. */

import { expect, test } from '@jest/globals';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { int64 } from '../../lib/graph/tensor.js';
import { removeChannels } from '../../lib/surgery/remove.js';
import { graphBuilder, type Value } from '../models/builder.js';
import { hybrid } from '../models/modern-families.js';
import { classifier, depthwise, layerNorm, plusConstant, reduce, transpose, view } from '../models/pieces.js';

type Made = ReturnType<typeof graphBuilder>;

/** A convolution of 12 channels, what `then` makes of it, and a head. */
function network(then: (b: Made, x: Value) => Value) {
  const b = graphBuilder('network', { seed: 1 });
  const x = b.conv(b.input([3, 8, 8]), 12, { kernel: 3, pad: 1, name: 'first' });
  return b.build(classifier(b, b.conv(then(b, x), 8, { kernel: 1, name: 'second' })));
}

const shuffled = network((b, x) =>
  b.reshape(transpose(b, b.reshape(x, [0, 3, 4, 8, 8], 12), [0, 2, 1, 3, 4]), [0, 12, 8, 8], 12),
);

test('a shuffle ties each channel to one channel', () => {
  const { groups, shuffles, pinned } = dependencyGroups(shuffled);
  expect(groups.map(({ channels }) => channels)).toEqual([12, 8]);
  expect(pinned).toHaveLength(1);
  // Element i of the output, as numpy's arange(12).reshape(3, 4).T.ravel() has it.
  expect([...(shuffles[0]?.order ?? [])]).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
});

test('a shuffle that loses channels looks up those that stay; one that loses none is left alone', async () => {
  const { graph, plan } = await removeChannels(shuffled, new Map([['first.weight', { channels: [0, 4, 5] }]]));
  expect(graph.nodes.map(({ op }) => op)).toEqual(['Conv', 'Gather', 'Conv', 'GlobalAveragePool', 'Flatten', 'Gemm']);
  const [, gather] = graph.nodes;
  // What is left of the first convolution is 1 2 3 6 7 8 9 10 11, and goes on as 8 1 9 2 6 10 3 7 11.
  const order = graph.initializers.get(gather?.inputs[1] ?? '');
  expect(order).toEqual(int64([9], [5, 0, 6, 1, 3, 7, 2, 4, 8]));
  const reader = plan.groups[0]?.members.find(({ tensor }) => tensor === 'second.weight');
  expect(reader?.removed).toEqual([0, 1, 4]);
  const other = await removeChannels(shuffled, new Map([['second.weight', { channels: [0] }]]));
  expect(other.graph.nodes.map(({ op }) => op)).toEqual(shuffled.nodes.map(({ op }) => op));
});

test('a shuffle of pictures of any height and width is one, too', () => {
  /** `x.view(n, ...channels, h, w)` with what is read from the shape of `x`. */
  const viewAs = (b: Made, x: Value, shape: Value, channels: readonly number[]): Value => {
    const extent = (axis: number) => b.node('Gather', [shape, b.constant('which', int64([1], [axis]))], { axis: 0 });
    const parts = [extent(0), b.constant('split', int64([channels.length], channels)), extent(2), extent(3)];
    return b.node('Reshape', [x, b.node('Concat', parts, { axis: 0 })], {}, { channels: 12 });
  };
  const fixed = network((b, x) => {
    const shape = b.node('Shape', [x]);
    return viewAs(b, transpose(b, viewAs(b, x, shape, [2, 6]), [0, 2, 1, 3, 4]), shape, [12]);
  });
  const [input] = fixed.inputs;
  if (!input) throw new Error('no input');
  const { groups, pinned } = dependencyGroups({ ...fixed, inputs: [{ ...input, dims: ['N', 3, 'H', 'W'] }] });
  expect(groups.map(({ channels }) => channels)).toEqual([12, 8]);
  expect(pinned).toHaveLength(1);
});

test('values inside a shuffle that somebody else reads keep it a matter of rows and columns', () => {
  const graph = network((b, x) => {
    const split = b.reshape(x, [0, 3, 4, 8, 8], 12);
    const y = b.reshape(transpose(b, split, [0, 2, 1, 3, 4]), [0, 12, 8, 8], 12);
    return b.add(y, b.reshape(split, [0, 12, 8, 8], 12));
  });
  const { groups, shuffles } = dependencyGroups(graph);
  expect(shuffles).toEqual([]);
  expect(groups.find(({ id }) => id === 'first.weight')).toBeUndefined();
});

/** Of 12 channels in 3 groups of 4 the groups can go or the 4 places in each, of 12 in 6 groups the groups or 2 places. */
test.each([
  [3, 4],
  [6, 6],
])('a convolution in %i groups leaves %i sets of channels', (count, channels) => {
  const graph = network((b, x) => b.conv(x, 12, { kernel: 1, groups: count, name: 'grouped' }));
  const first = dependencyGroups(graph).groups.find(({ id }) => id === 'first.weight');
  expect(first?.channels).toBe(channels);
});

test('a depthwise convolution with a multiplier takes its filters along', () => {
  const graph = network((b, x) => b.conv(x, 24, { kernel: 3, pad: 1, groups: 12, name: 'multiplied' }));
  const { groups } = dependencyGroups(graph);
  const [first] = groups;
  expect(first?.channels).toBe(12);
  expect(first?.members.find(({ value }) => value === 'multiplied.weight')?.perChannel).toBe(2);
});

/** Mean and variance over channels, in elementary operators. */
function elementaryNorm(b: Made, x: Value): Value {
  const centred = b.node('Sub', [x, reduce(b, 'ReduceMean', x, [1])], {}, { channels: x.channels });
  const variance = reduce(b, 'ReduceMean', b.mul(centred, centred), [1]);
  return b.node('Div', [centred, b.node('Sqrt', [plusConstant(b, variance, 1e-5)])], {}, { channels: x.channels });
}

test('a mean over channels pins them, unless it normalises them', () => {
  expect(dependencyGroups(network(elementaryNorm)).pinned).toHaveLength(1);
  const gated = network((b, x) => {
    const mean = { ...reduce(b, 'ReduceMean', x, [1]), channels: 1 };
    return b.mul(x, b.sigmoid(b.conv(mean, 1, { kernel: 3, pad: 1 })));
  });
  const { pinned } = dependencyGroups(gated);
  expect(pinned.find(({ node }) => node === 'first')?.reason).toContain('would feel that some are gone');
});

test('the channels of a layer norm in front of the head can go', () => {
  const graph = network((b, x) =>
    transpose(b, layerNorm(b, transpose(b, depthwise(b, x), [0, 2, 3, 1])), [0, 3, 1, 2]),
  );
  expect(dependencyGroups(graph).groups[0]?.members.map(({ value }) => value)).toContain('ln.weight');
});

/** The longest part, which is tried first, meets a softmax over it. */
test('where the usual carrier ends at something that pins it, another is taken', () => {
  const graph = network((b, x) => {
    const parts = view(b, x, [3, 4, 64], 12);
    const soft = b.node('Softmax', [parts], { axis: 2 });
    return view(b, soft, [12, 8, 8], 12);
  });
  const first = dependencyGroups(graph).groups.find(({ id }) => id === 'first.weight');
  expect(first?.channels).toBe(3);
  expect(first?.members[0]?.perChannel).toBe(4);
});

test('the parts of attention are pruned without touching the stream around it', () => {
  const { groups, pinned } = dependencyGroups(hybrid({ seed: 1 }));
  expect(pinned).toHaveLength(1);
  const attention = groups.filter(({ members }) => members.filter(({ role }) => role === 'makes').length === 2);
  // Queries and keys of a layer share what they are compared by.
  expect(attention.length).toBeGreaterThanOrEqual(2);
});
