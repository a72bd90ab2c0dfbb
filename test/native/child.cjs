// Runs in a process of its own: node child.cjs ADDON TASK. Prints one JSON document.
const { createHash } = require('node:crypto');
const { Worker } = require('node:worker_threads');
const [, , path, task] = process.argv;
const addon = require(path);

let state = 7;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
const floats = (length) => new Float32Array(length).map(() => random() * 2 - 1);

/** Results of every call that is shared out, over shapes with many slices and with few. */
async function results() {
  const all = [];
  for (const [dims, axis] of [
    [[300, 500], 0],
    [[500, 300], 1],
    [[7, 90_001], 0],
    [[90_001, 7], 1],
    [[40, 20, 3, 3], 1],
  ]) {
    const tensor = floats(dims.reduce((a, b) => a * b));
    for (const kind of ['l1', 'l2', 'linf']) all.push(await addon.norms(tensor, dims, axis, kind));
    all.push(await addon.taylor(tensor, tensor, dims, axis, 'signed'));
    all.push(await addon.geometricMedian(tensor, dims, axis), await addon.lamp(tensor, dims, axis));
    const bits = Uint16Array.from(tensor, (value) => 0x3800 + value * 0x600);
    for (const dtype of ['float16', 'bfloat16']) {
      all.push(await addon.norms(bits, dims, axis, 'l2', undefined, dtype));
      all.push(await addon.geometricMedian(bits, dims, axis, undefined, dtype));
    }
    const history = addon.historyCreate(dims, axis);
    for (let i = 0; i < 2; i++) await addon.historyRecord(history, tensor, dims, axis);
    all.push(await addon.historyGram(history), await addon.historyCosine(history));
    const pairs = await addon.historyTopPairs(history, 50);
    all.push(pairs.first, pairs.second, pairs.similarity);
    const keep = Int32Array.from({ length: dims[axis] >> 1 }, (_, i) => 2 * i);
    all.push(...(await addon.applySurgery([{ data: tensor, dims, axes: [{ axis, keep }] }])));
    const merge = Array.from(keep.subarray(1), (index, i) => [index - 1, keep[i]]);
    all.push(...(await addon.applySurgery([{ data: tensor, dims, axes: [{ axis, keep, merge }] }])));
  }
  for (const [n, m, count] of [
    [20, 5, 9000],
    [400, 30, 1000],
  ]) {
    const equations = addon.regressCreate(n, m);
    await addon.regressAdd(equations, floats(n * count), floats(m * count), count);
    all.push(await addon.regressSolve(equations, 0.5));
  }
  const [dims, tensor] = [[120, 700], floats(120 * 700)];
  // Every other row of it, transposed.
  const view = [700, 60];
  all.push(await addon.norms(tensor, view, 0, 'l1', undefined, undefined, [1, 1400]));
  all.push(
    ...(await addon.normsOfAll(
      [
        { data: tensor, dims, axis: 0 },
        { data: tensor, dims, axis: 1 },
      ],
      'l2',
    )),
  );
  const channel = () => floats(120).map((value) => value + 2);
  for (const fold of [addon.foldBatchNorm, addon.unfoldBatchNorm]) {
    const { weight, bias } = await fold(tensor, dims, 0, undefined, channel(), channel(), channel(), channel(), 1e-5);
    all.push(weight, bias);
  }
  const gram = new Float64Array(120 * 120).map((_, at) => (at % 121 === 0 ? 2 : random()));
  const { first, second, similarity } = await addon.cosinePairs(gram, 120, 70);
  all.push(first, second, similarity);
  const scores = new Float64Array(300_000).map(() => Math.floor(random() * 1000));
  all.push(await addon.rankChannels(scores, 90_000));
  // 9 · (3 + c₀ + 2·c₁)
  const cost = addon.costCompile({
    ...{ groups: 2, kinds: 1, stepStart: Int32Array.of(0, 1), stepKind: Int32Array.of(0) },
    ...{ formConstant: Float64Array.of(3), formStart: Int32Array.of(0, 2), formGroup: Int32Array.of(0, 1) },
    ...{ formMultiplicity: Float64Array.of(1, 2), termCoefficient: Float64Array.of(9) },
    ...{ termStart: Int32Array.of(0, 1), termForm: Int32Array.of(0) },
  });
  all.push(
    await addon.costEvaluate(
      cost,
      new Int32Array(100_000).map(() => Math.floor(random() * 512)),
    ),
  );
  const pixels = new Uint8Array(40 * 64 * 64 * 3).map(() => Math.floor(random() * 256));
  const [multiply, add] = [
    [0.1, 0.2, 0.3],
    [1, 2, 3],
  ];
  const format = { height: 64, width: 64, channels: 'RGB', layout: 'NCHW', multiply, add };
  const out = new Float32Array(pixels.length);
  all.push(await addon.preprocessImages(pixels, 40, format, undefined, out));
  return all;
}

const tasks = {
  async digest() {
    const hash = createHash('sha256');
    const all = await results();
    for (const array of all) hash.update(new Uint8Array(array.buffer));
    return {
      threads: addon.threads,
      simd: addon.simd,
      digest: hash.digest('hex'),
      sums: all.map((array) => array.reduce((a, b) => a + b, 0)),
    };
  },

  /** Several threads call at once; some are ended in the middle of a call. */
  async workers() {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      const addon = require(workerData.path);
      const tensor = new Float32Array(512 * 2000).fill(0.25);
      (async () => {
        for (let i = 0; i < workerData.rounds; i++) {
          const norms = await addon.norms(tensor, [512, 2000], 0, 'l1');
          const scores = await addon.geometricMedian(tensor, [512, 2000], 0);
          if (norms[511] !== 500 || scores[0] !== 0) throw new Error('wrong result');
          parentPort.postMessage(i);
        }
      })();`;
    const start = (rounds) => new Worker(source, { eval: true, workerData: { path, rounds } });
    const ended = await Promise.all(
      Array.from({ length: 6 }, (_, w) => {
        const worker = start(w < 3 ? 3 : 1000);
        return new Promise((resolve, reject) => {
          worker.on('error', reject);
          worker.on('exit', resolve);
          if (w >= 3) worker.once('message', () => setTimeout(() => worker.terminate(), 3 * w));
        });
      }),
    );
    const after = await addon.norms(new Float32Array(8).fill(2), [8], 0, 'l2');
    return { ended, after: [...after] };
  },

  /** Ends while a call runs. */
  async exit() {
    addon.geometricMedian(new Float32Array(1000 * 3000), [1000, 3000], 0);
    setTimeout(() => process.exit(0), 5);
    return { exiting: true };
  },
};

tasks[task]().then((result) => console.log(JSON.stringify(result)));
