import { expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import { withInputSize } from '../../lib/analyze/input-size.js';
import { sizeOfCost } from '../../lib/run/smaller-input.js';
import { graphBuilder } from '../models/builder.js';

function convolutional(size: number) {
  const b = graphBuilder('convolutional', { seed: 1 });
  let x = b.relu(b.conv(b.input([3, size, size]), 8, { kernel: 3, stride: 2, pad: 1 }));
  x = b.relu(b.conv(x, 16, { kernel: 3, stride: 2, pad: 1 }));
  return b.build(b.gemm(b.flatten(b.globalAveragePool(x)), 5));
}

test('of all multiples of 8, the size whose cost is nearest', () => {
  const graph = convolutional(160);
  const costs = Array.from({ length: 18 }, (_, index) => 16 + 8 * index).map((size) => ({
    size,
    macs: costOf(withInputSize(graph, [size, size])).macs,
  }));
  for (const share of [0.02, 0.1, 0.33, 0.5, 0.7, 0.94]) {
    const macs = share * costOf(graph).macs;
    const [nearest] = costs.toSorted((a, b) => Math.abs(a.macs - macs) - Math.abs(b.macs - macs));
    expect(sizeOfCost(graph, [160, 160], macs)).toEqual(nearest);
  }
  // Half of the multiply-adds: 112 pixels instead of 160, as MobileNets are published.
  expect(sizeOfCost(graph, [160, 160], 0.5 * costOf(graph).macs)).toMatchObject({ size: 112 });
});

test('where there is no such size, the reason is told', () => {
  const graph = convolutional(64);
  const { macs } = costOf(graph);
  expect(sizeOfCost(graph, [64, 64], macs)).toEqual({ absent: 'the result costs as much as the original' });
  expect(sizeOfCost(graph, [64, 48], macs / 2)).toEqual({ absent: expect.stringMatching(/not square/) });
  const b = graphBuilder('flattened', { seed: 1 });
  // A gain for every position, which no other size has.
  const gain = b.parameter('gain', [1, 4, 8, 8]);
  const map = b.node('Mul', [b.conv(b.input([3, 64, 64]), 4, { stride: 8 }), gain], {}, { name: 'gains', channels: 4 });
  const fixed = b.build(b.gemm(b.flatten(map, 64), 5));
  expect(sizeOfCost(fixed, [64, 64], costOf(fixed).macs / 2)).toEqual({
    absent: expect.stringMatching(/cannot take images of 56×56 in place of 64×64.*gains.*[^.]$/),
  });
});
