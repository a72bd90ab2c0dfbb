/**
 * How long the event loop is kept waiting while the addon works: the 99th percentile of the intervals of a 1 ms timer during
 * calls. What the calls leave behind is collected between them, which is not counted; rows of their own count it.
 */

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
import { garbageCollector } from './garbage.js';

const MILLISECONDS = 2000;
const PAUSE = 10;
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

/** @param between what happens between calls, while nothing is counted. */
async function delay(work: () => Promise<unknown>, between: () => void): Promise<number> {
  await work();
  const intervals: number[] = [];
  let counts = false;
  let last = 0;
  let ticked = () => {};
  const timer = setInterval(() => {
    const now = performance.now();
    if (counts) intervals.push(now - last);
    last = now;
    ticked();
  }, 1);
  const nextTick = () =>
    new Promise<void>((resolve) => {
      ticked = resolve;
    });
  const end = performance.now() + MILLISECONDS;
  while (performance.now() < end) {
    between();
    // V8 sweeps on in threads of its own for a while.
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    await nextTick();
    counts = true;
    await work();
    // What the end of a call takes is seen at the tick after it.
    await nextTick();
    counts = false;
  }
  clearInterval(timer);
  intervals.sort((a, b) => a - b);
  return intervals[Math.ceil(0.99 * intervals.length) - 1] ?? Number.NaN;
}

const nothing = () => {};
const idle: Comparison['ours'] = async () => () =>
  delay(() => new Promise((resolve) => setTimeout(resolve, 50)), nothing);

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

/** Their results are new memory of many megabytes, which V8 gives back when it sees fit. */
const LEAVE_MUCH = ['History.serialize', 'applySurgery', 'applySurgery, merging', 'foldBatchNorm'];

function comparison(name: string, call: string, between: () => () => void): Comparison {
  return {
    name,
    unit: 'ms',
    better: 'lower',
    ours: async () => {
      const [work, collect] = [await CALLS[call]?.(), between()];
      if (!work) throw new Error(`There is no call ${call}.`);
      return () => delay(work, collect);
    },
    rivalName: 'an idle loop',
    rival: { run: idle },
  };
}

export const comparisons: Comparison[] = [
  ...Object.keys(CALLS).map((name) => comparison(name, name, garbageCollector)),
  ...LEAVE_MUCH.map((name) => comparison(`${name}, with V8's collections`, name, () => nothing)),
];
