// Runs in a process of its own: node --expose-gc leak.mjs. Calls every entry of dist/native.js over and over, rightly and
// wrongly, and prints by how much the resident memory has grown over the last 100,000 calls.
import * as native from '../../dist/native.js';

const CALLS = 100_000;
const AT_ONCE = 16;

const tensor = Float32Array.from({ length: 600 }, (_, i) => Math.sin(i));
const vector = tensor.slice(0, 20).map((v) => v + 2);
const halves = Uint16Array.from({ length: 600 }, (_, i) => 0x3000 + i);
const dims = [20, 30];
const keep = Int32Array.of(1, 3, 5);
const gram = Float64Array.from({ length: 400 }, (_, i) => (i % 21 === 0 ? 2 : 0.5));
const cost = {
  groups: 2,
  kinds: [{ name: 'macs', reduce: 'sum' }],
  terms: [{ kind: 'macs', coefficient: 9, factors: [{ channels: [[0, 1]] }, { constant: 3, channels: [[1, 2]] }] }],
};
const compiled = native.compileCost(cost);
const history = native.createHistory(dims, 0);
const equations = native.createLeastSquares(3, 2);
await equations.add(tensor, tensor.subarray(0, 400), 200);
const pixels = Uint8Array.from({ length: 600 }, (_, i) => i % 251);
const scale = [0.1, 0.2, 0.3];
const format = { height: 10, width: 10, channels: 'RGB', layout: 'NCHW', multiply: scale, add: scale };
const changes = Float64Array.of(0, 1, 9, 8, 1, 1.1, 0.1, -0.1, 0, 0, 10, 10, 0, 1, 0, 0);
const group = { channels: 20, remove: [0, 1], members: [{ tensor: 'a', axis: 0 }] };

const roomOf = () => ({ weight: new Float32Array(600), bias: new Float32Array(20) });

/** Refused, or stopped before or after it began. */
const wrongly = (promise) =>
  promise.then(
    () => {},
    () => {},
  );

const ROUND = [
  () => native.norms(tensor, dims, 0, 'l2'),
  () => native.batchNormScale(vector),
  () => native.taylor(tensor, tensor, dims, 1),
  () => native.geometricMedian(tensor, dims, 0),
  () => native.lamp(halves, dims, 0, { dtype: 'bfloat16' }),
  () => native.norms(tensor, [10, 20], 0, 'l1', { strides: [1, 30] }),
  () => native.cosinePairs(gram, 20, 5),
  () => native.rankChannels(gram, 7),
  () => history.record(tensor),
  () => history.l1(),
  () => history.gram(),
  () => history.cosine(),
  () => history.topPairs(4),
  async () => (await native.History.restore(await history.serialize())).keep(keep),
  () => native.createHistory(dims, 1).record(tensor),
  () => native.applySurgery([{ data: tensor, dims, axes: [{ axis: 0, keep, merge: [[2, 1]] }] }]),
  () => native.applySurgery([{ data: tensor, dims, axes: [{ axis: 0, keep }], out: new Float32Array(90) }]),
  () => native.applySurgery([{ data: halves, dims, axes: [{ axis: 0, keep, merge: [[2, 1]] }], dtype: 'float16' }]),
  () => native.planSurgery({ a: dims }, [group]),
  () => compiled.evaluate(Int32Array.of(1, 2, 3, 4)),
  () => native.countCost(cost, [1, 2]),
  () => equations.add(tensor.subarray(0, 30), tensor.subarray(0, 20), 10),
  () => equations.solve(1),
  () => native.createLeastSquares(4, 3).solve(1),
  () => native.foldBatchNorm(tensor, dims, undefined, vector, vector, vector, vector, 1e-5),
  () => native.foldBatchNorm(tensor, dims, undefined, vector, vector, vector, vector, 1e-5, { out: roomOf() }),
  () => native.unfoldBatchNorm(tensor, dims, vector, vector, vector, vector, vector, 1e-5),
  () => native.preprocessImages(pixels, 2, format, changes, new Float32Array(600)),
  () => wrongly(native.norms(tensor, [19, 30], 0, 'l1')),
  () => wrongly(native.rankChannels(Float64Array.of(1, Number.NaN))),
  () => wrongly(native.applySurgery([{ data: tensor, dims, axes: [{ axis: 0, keep: Int32Array.of(99) }] }])),
  () => wrongly(native.norms(tensor, dims, 0, 'l1', { signal: AbortSignal.abort() })),
  () => native.normsOfAll([{ data: tensor, dims, axis: 0 }], 'l2'),
  () => {
    const controller = new AbortController();
    const call = wrongly(native.geometricMedian(tensor, dims, 0, { signal: controller.signal }));
    controller.abort();
    return call;
  },
];

async function rounds(calls) {
  for (let done = 0; done < calls; done += AT_ONCE * ROUND.length)
    await Promise.all(Array.from({ length: AT_ONCE }, () => Promise.all(ROUND.map((call) => call()))));
  for (let i = 0; i < 4; i++) {
    global.gc();
    await new Promise(setImmediate);
  }
  return process.memoryUsage.rss();
}

// The pools of the allocator and of V8 fill up in the first calls.
const before = await rounds(CALLS);
console.log(JSON.stringify({ grown: (await rounds(CALLS)) - before }));
