/** How long the event loop is kept waiting while the addon works: the 99th percentile of the delay of a 1 ms timer. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { randomGenerator } from '../lib/graph/random.js';
import {
  applySurgery,
  compileCost,
  createHistory,
  createLeastSquares,
  type FoldedLayer,
  foldBatchNorm,
  geometricMedian,
  lamp,
  norms,
  rankChannels,
  taylor,
} from '../lib/native.js';
import type { Comparison } from './case.js';

const MILLISECONDS = 2000;
const DIMS = [1024, 1024, 3, 3];
const FEW = [512, 512, 3, 3];

function product(dims: readonly number[]): number {
  return dims.reduce((all, extent) => all * extent, 1);
}

function floats(dims: readonly number[]): Float32Array<ArrayBuffer> {
  const random = randomGenerator(`event loop ${dims}`);
  return new Float32Array(product(dims)).map(() => random.next() - 0.5);
}

function merging(out?: Float32Array<ArrayBuffer>): () => Promise<unknown> {
  const data = floats(DIMS);
  const keep = Int32Array.from({ length: 512 }, (_, at) => 2 * at);
  const merge = Array.from(keep, (index): [number, number] => [index + 1, index]);
  return () => applySurgery([{ data, dims: DIMS, axes: [{ axis: 1, keep, merge }], out }]);
}

function folding(out?: FoldedLayer): () => Promise<unknown> {
  const data = floats(DIMS);
  const ones = new Float32Array(DIMS[0] ?? 0).fill(1);
  return () => foldBatchNorm(data, DIMS, undefined, ones, ones, ones, ones, 1e-5, { out });
}

async function delay(work: () => Promise<unknown>): Promise<number> {
  await work();
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  const end = performance.now() + MILLISECONDS;
  while (performance.now() < end) await work();
  histogram.disable();
  return histogram.percentile(99) / 1e6;
}

const idle: Comparison['ours'] = async () => () => delay(() => new Promise((resolve) => setTimeout(resolve, 50)));

/** Each prepares its arguments and gives the call. */
const CALLS: Record<string, () => Promise<() => Promise<unknown>>> = {
  norms: async () => {
    const data = floats(DIMS);
    return () => norms(data, DIMS, 1, 'l2');
  },
  taylor: async () => {
    const data = floats(DIMS);
    return () => taylor(data, data, DIMS, 0);
  },
  lamp: async () => {
    const data = floats(DIMS);
    return () => lamp(data, DIMS, 0);
  },
  geometricMedian: async () => {
    const data = floats(FEW);
    return () => geometricMedian(data, FEW, 0);
  },
  rankChannels: async () => {
    const scores = Float64Array.from(floats([1_000_000]));
    return () => rankChannels(scores, 500_000);
  },
  'History.record': async () => {
    const [data, history] = [floats(FEW), createHistory(FEW, 0)];
    return () => history.record(data);
  },
  'History.topPairs': async () => {
    const history = createHistory([2048, 64], 0);
    await history.record(floats([2048, 64]));
    return () => history.topPairs(200);
  },
  'History.serialize': async () => {
    const history = createHistory([2048, 64], 0);
    await history.record(floats([2048, 64]));
    return () => history.serialize();
  },
  applySurgery: async () => {
    const data = floats(DIMS);
    const keep = Int32Array.from({ length: 512 }, (_, at) => 2 * at);
    const axes = [
      { axis: 0, keep },
      { axis: 1, keep },
    ];
    return () => applySurgery([{ data, dims: DIMS, axes }]);
  },
  'applySurgery, merging': async () => merging(),
  'applySurgery, merging into memory used before': async () => merging(new Float32Array(product(DIMS) / 2)),
  'CompiledCost.evaluate': async () => {
    const factors = [{ channels: [[0, 1] as const] }, { channels: [[1, 1] as const] }];
    const terms = Array.from({ length: 200 }, (_, at) => ({ kind: 'macs', coefficient: at + 1, factors }));
    const cost = compileCost({ groups: 2, kinds: [{ name: 'macs', reduce: 'sum' }], terms });
    const configurations = new Int32Array(400_000).fill(64);
    return () => cost.evaluate(configurations);
  },
  'LeastSquares.add and solve': async () => {
    const [inputs, outputs, count] = [768, 256, 2048];
    const [x, y] = [floats([count, inputs]), floats([count, outputs])];
    const equations = createLeastSquares(inputs, outputs);
    return async () => {
      await equations.add(x, y, count);
      await equations.solve(1);
    };
  },
  foldBatchNorm: async () => folding(),
  'foldBatchNorm, into memory used before': async () =>
    folding({ weight: new Float32Array(product(DIMS)), bias: new Float32Array(DIMS[0] ?? 0) }),
};

export const comparisons: Comparison[] = Object.entries(CALLS).map(([name, prepare]) => ({
  name,
  unit: 'ms',
  better: 'lower',
  ours: async () => {
    const call = await prepare();
    return () => delay(call);
  },
  rivalName: 'an idle loop',
  rival: { run: idle },
}));
