/** Zeroed equals removed, operator by operator: for those with weights, and those that sum over channels. */

import { expect, test } from '@jest/globals';
import { type RandomGenerator, randomGenerator } from '../../lib/graph/random.js';
import { int64 } from '../../lib/graph/tensor.js';
import { conv } from '../../lib/ops/conv.js';
import { int, ints, manyCases, type OperatorCase, oneOf, prepare, string } from './harness.js';
import { checkTies } from './ties.js';

const IMAGE = [3, 4, 5, 5];
const vector = { dims: [4] };

const CASES: Record<string, (random: RandomGenerator) => OperatorCase> = {
  'Conv, dense': () => ({ op: 'Conv', inputs: [{ dims: [2, 4, 5, 5] }, { dims: [6, 4, 3, 3] }, { dims: [6] }] }),
  'Conv, grouped': () => ({
    op: 'Conv',
    attributes: { group: int(4) },
    inputs: [{ dims: [2, 8, 4] }, { dims: [12, 2, 3] }, { dims: [12] }],
  }),
  'Conv, depthwise': (random) => {
    const multiplier = 1 + random.int(2);
    const [channels, filters] = [5, 5 * multiplier];
    return {
      op: 'Conv',
      attributes: { group: int(channels) },
      inputs: [{ dims: [2, channels, 4, 4] }, { dims: [filters, 1, 3, 3] }, { dims: [filters] }],
    };
  },
  'ConvTranspose, dense': () => ({
    op: 'ConvTranspose',
    inputs: [{ dims: [2, 4, 3, 3] }, { dims: [4, 6, 2, 2] }, { dims: [6] }],
  }),
  'ConvTranspose, grouped': () => ({
    op: 'ConvTranspose',
    attributes: { group: int(4) },
    inputs: [{ dims: [2, 8, 3, 3] }, { dims: [8, 3, 2, 2] }, { dims: [12] }],
  }),
  Gemm: (random) => {
    const [transA, transB] = [random.int(2), random.int(2)];
    const c = oneOf(random, [[5], [1, 5], [3, 1], [3, 5], []]);
    return {
      op: 'Gemm',
      attributes: { transA: int(transA), transB: int(transB) },
      inputs: [{ dims: transA ? [4, 3] : [3, 4] }, { dims: transB ? [5, 4] : [4, 5] }, { dims: c }],
    };
  },
  Einsum: (random) => {
    const [equation, ...shapes] = oneOf(random, [
      ['bhid,bhjd->bhij', [2, 3, 4, 5], [2, 3, 6, 5]] as const,
      ['...ij,...jk->...ki', [2, 1, 3, 4], [2, 5, 4, 2]] as const,
      ['bi,oi->bo', [3, 4], [5, 4]] as const,
      ['abc->ca', [2, 3, 4]] as const,
    ]);
    return {
      op: 'Einsum',
      attributes: { equation: string(equation) },
      inputs: shapes.map((dims) => ({ dims: [...dims] })),
    };
  },
  EyeLike: () => ({ op: 'EyeLike', inputs: [{ dims: [5, 5] }] }),
  MatMul: (random) => {
    const [a, b] = oneOf(random, [
      [
        [3, 4],
        [4, 5],
      ],
      [
        [2, 3, 4],
        [4, 5],
      ],
      [
        [2, 1, 3, 4],
        [5, 4, 2],
      ],
      [[4], [2, 4, 5]],
      [[3, 4], [4]],
    ]);
    return { op: 'MatMul', inputs: [{ dims: a ?? [] }, { dims: b ?? [] }] };
  },
  BatchNormalization: () => ({
    op: 'BatchNormalization',
    inputs: [{ dims: IMAGE }, vector, vector, vector, { ...vector, low: 0.2, high: 2 }],
  }),
  GroupNormalization: () => ({
    op: 'GroupNormalization',
    opset: 21,
    attributes: { num_groups: int(4) },
    inputs: [{ dims: [2, 8, 3, 3] }, { dims: [8] }, { dims: [8] }],
  }),
  'GroupNormalization, a scale for each group': () => ({
    op: 'GroupNormalization',
    attributes: { num_groups: int(4) },
    inputs: [{ dims: [2, 8, 3, 3] }, { dims: [4] }, { dims: [4] }],
  }),
  InstanceNormalization: () => ({ op: 'InstanceNormalization', inputs: [{ dims: IMAGE }, vector, vector] }),
  MaxPool: () => ({ op: 'MaxPool', attributes: { kernel_shape: ints(3, 3) }, inputs: [{ dims: IMAGE }] }),
  AveragePool: () => ({
    op: 'AveragePool',
    attributes: { kernel_shape: ints(3, 3) },
    inputs: [{ dims: IMAGE }],
  }),
  GlobalAveragePool: () => ({ op: 'GlobalAveragePool', inputs: [{ dims: IMAGE }] }),
  GlobalMaxPool: () => ({ op: 'GlobalMaxPool', inputs: [{ dims: IMAGE }] }),
  Softmax: (random) => ({ op: 'Softmax', attributes: { axis: int(random.int(3)) }, inputs: [{ dims: [3, 4, 5] }] }),
  LogSoftmax: () => ({ op: 'LogSoftmax', inputs: [{ dims: [3, 4, 5] }] }),
  Flatten: (random) => ({ op: 'Flatten', attributes: { axis: int(random.int(4)) }, inputs: [{ dims: [3, 4, 5] }] }),
  Identity: () => ({ op: 'Identity', inputs: [{ dims: IMAGE }] }),
  Dropout: () => ({ op: 'Dropout', inputs: [{ dims: IMAGE }] }),
  ...Object.fromEntries(
    ['ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceSum', 'ReduceL2'].map((op) => [
      op,
      (random: RandomGenerator): OperatorCase => {
        const axes = oneOf(random, [[1], [0, 2], [-1]]);
        const inputs = [{ dims: [3, 4, 5] }, int64([axes.length], axes)];
        return { op, attributes: { keepdims: int(random.int(2)) }, inputs };
      },
    ]),
  ),
};

for (const [name, make] of Object.entries(CASES))
  test(`removing what ${name} ties equals zeroing it`, async () => {
    let count = 0;
    let index = 0;
    // Within its groups a normalisation sees what is left of them.
    const everyWay = !name.startsWith('GroupNormalization');
    for (const one of manyCases(12, `tie ${name}`, make))
      count += await checkTies({ ...one, seed: index }, randomGenerator('removed', name, index++), true, everyWay);
    expect(count).toBeGreaterThan(10);
  });

test('a pruned depthwise convolution has as many groups as channels', () => {
  const { shaped } = prepare({
    op: 'Conv',
    attributes: { group: int(5) },
    inputs: [{ dims: [1, 5, 3, 3] }, { dims: [10, 1, 3, 3] }],
  });
  const rewrite = conv.rewrite?.({
    ...shaped,
    kept: () => undefined,
    extent: ({ value }) => (value === 'in1' ? 1 : 3),
  });
  expect(rewrite?.attributes?.group).toEqual(int(3));
});
