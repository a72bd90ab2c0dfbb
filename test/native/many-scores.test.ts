/** 10,000 random cases of every score and of the history against the plain reference. */

import * as native from '../../lib/native.js';
import { HALF_KINDS, nearestHalf, widened } from './half-precision.js';
import { axisOf, dimsOf, many, overlapping, pick, weightsOf } from './many.js';
import { channelsOf, integer, product, type Random, subset, worstError } from './random.js';
import * as reference from './reference.js';

many(
  'norms',
  101,
  async (random) => {
    const dims = dimsOf(random);
    const [axis, kind] = [axisOf(random, dims), pick(random, reference.NORM_KINDS)];
    const tensor = weightsOf(random, product(dims));
    const expected = reference.normsOf(tensor, dims, axis, kind);
    const scale = Math.max(0, ...expected.filter(Number.isFinite)) || 1;
    return worstError(await native.norms(tensor, dims, axis, kind), expected, scale * 1e-3);
  },
  1e-9,
);

many(
  'normsOfAll',
  115,
  async (random) => {
    const kind = pick(random, reference.NORM_KINDS);
    const tensors = Array.from({ length: integer(random, 0, 4) }, () => {
      const dims = dimsOf(random);
      return { dims, axis: axisOf(random, dims), data: weightsOf(random, product(dims)) };
    });
    const results = await native.normsOfAll(tensors, kind);
    const errors = tensors.map(({ data, dims, axis }, index) => {
      const expected = reference.normsOf(data, dims, axis, kind);
      const scale = Math.max(0, ...expected.filter(Number.isFinite)) || 1;
      return worstError(results[index] ?? [], expected, scale * 1e-3);
    });
    return Math.max(results.length - tensors.length, 0, ...errors);
  },
  1e-9,
);

many(
  'batchNormScale',
  102,
  async (random) => {
    const scale = weightsOf(random, integer(random, 0, 40));
    return worstError(await native.batchNormScale(scale), Array.from(scale, Math.abs), 0.1);
  },
  0,
);

many(
  'taylor',
  103,
  async (random) => {
    const dims = dimsOf(random);
    const [axis, kind] = [axisOf(random, dims), pick(random, ['signed', 'absolute', 'squared'] as const)];
    const [weight, gradient] = overlapping(random, product(dims));
    const expected = reference.taylorOf(weight, gradient, dims, axis)[kind];
    return worstError(await native.taylor(weight, gradient, dims, axis, { kind }), expected);
  },
  1e-12,
);

many(
  'geometricMedian',
  104,
  async (random) => {
    const dims = dimsOf(random);
    const axis = axisOf(random, dims);
    const tensor = weightsOf(random, product(dims), false);
    return worstError(await native.geometricMedian(tensor, dims, axis), reference.medianOf(tensor, dims, axis));
  },
  1e-5,
);

many(
  'lamp',
  114,
  async (random) => {
    const dims = dimsOf(random);
    const axis = axisOf(random, dims);
    // Whole numbers: equal channels, and zeros.
    const tensor = weightsOf(random, product(dims), false).map((v) => (random() < 0.5 ? v : Math.round(2 * v)));
    return worstError(await native.lamp(tensor, dims, axis), reference.lampOf(tensor, dims, axis));
  },
  1e-12,
);

type Score = (
  weights: native.Weights,
  dims: number[],
  axis: number,
  options: native.WeightOptions,
) => Promise<Float64Array>;
const SCORES: Score[] = [
  (weights, dims, axis, options) => native.norms(weights, dims, axis, 'l2', options),
  (weights, dims, axis, options) => native.taylor(weights, weights, dims, axis, { ...options, kind: 'signed' }),
  native.geometricMedian,
  native.lamp,
  async (weights, dims, axis, options) => {
    const history = native.createHistory(dims, axis);
    await history.record(weights, options);
    return Float64Array.of(...history.l1(), ...(await history.gram()));
  },
];

many(
  'scores and histories of half precision',
  115,
  async (random) => {
    const dims = dimsOf(random);
    const [axis, dtype, score] = [axisOf(random, dims), pick(random, HALF_KINDS), pick(random, SCORES)];
    const bits = Uint16Array.from(weightsOf(random, product(dims), false), (value) => nearestHalf(dtype, value));
    const wide = Float32Array.from(bits, widened[dtype]);
    return worstError(await score(bits, dims, axis, { dtype }), await score(wide, dims, axis, {}));
  },
  1e-12,
);

/** The tensor within a larger array: its axes in any order, with gaps between the elements. */
function scattered<T extends native.Weights>(random: Random, tensor: T, dims: readonly number[]) {
  const order = [...dims.keys()].sort(() => random() - 0.5);
  const strides = dims.map(() => 0);
  let step = integer(random, 1, 2);
  for (const axis of order) {
    strides[axis] = step;
    step = step * Math.max(1, dims[axis] ?? 0) + integer(random, 0, 1);
  }
  const data = tensor.slice(0, 0).constructor === Float32Array ? new Float32Array(step) : new Uint16Array(step);
  for (let index = 0; index < tensor.length; index++) {
    let [rest, at] = [index, 0];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += (rest % (dims[axis] ?? 1)) * (strides[axis] ?? 0);
      rest = Math.floor(rest / (dims[axis] ?? 1));
    }
    data[at] = tensor[index] ?? Number.NaN;
  }
  return { data, strides };
}

many('scores and histories of tensors with strides', 116, async (random) => {
  const dims = dimsOf(random);
  const [axis, score] = [axisOf(random, dims), pick(random, SCORES)];
  const dtype = random() < 0.3 ? pick(random, HALF_KINDS) : undefined;
  const weights = weightsOf(random, product(dims), false);
  const tensor = dtype === undefined ? weights : Uint16Array.from(weights, (value) => nearestHalf(dtype, value));
  const { data, strides } = scattered(random, tensor, dims);
  const expected = await score(tensor, dims, axis, { dtype });
  const [ofAll = expected] = await native.normsOfAll([{ data, dims, axis, dtype, strides }], 'l1');
  return (
    worstError(await score(data, dims, axis, { dtype, strides }), expected) +
    worstError(ofAll, await native.norms(tensor, dims, axis, 'l1', { dtype }))
  );
});

many('cosinePairs', 105, async (random) => {
  const n = integer(random, 0, 7);
  // Small whole numbers: twins, opposites, zeros.
  const channels = Array.from({ length: n }, () => Array.from({ length: 3 }, () => integer(random, -2, 2)));
  const gram = Float64Array.from(reference.gramOf(channels));
  const k = integer(random, 0, 25);
  return !reference.areTopPairs(await native.cosinePairs(gram, n, k), reference.cosineOf(gram, n), n, k);
});

many('rankChannels', 106, async (random) => {
  const scores = Float64Array.from({ length: integer(random, 0, 30) }, () =>
    random() < 0.05 ? pick(random, [Infinity, -Infinity, -0, 5e-324]) : integer(random, -9, 9) / 4,
  );
  const count = random() < 0.3 ? undefined : integer(random, 0, scores.length);
  const expected = Array.from(scores.keys())
    .sort((a, b) => (scores[a] === scores[b] ? a - b : (scores[a] ?? 0) < (scores[b] ?? 0) ? -1 : 1))
    .slice(0, count);
  return worstError(await native.rankChannels(scores, count), expected);
});

many(
  'History: record, l1, gram, cosine, topPairs, keep, serialize, restore',
  107,
  async (random) => {
    const dims = dimsOf(random);
    const axis = axisOf(random, dims);
    let history = native.createHistory(dims, axis);
    let channels: number[][] = Array.from({ length: dims[axis] ?? 0 }, () => []);
    const epochs = integer(random, 0, 3);
    const [cutAt, savedAt] = [integer(random, 0, epochs), integer(random, 0, epochs)];
    for (let epoch = 0; epoch <= epochs; epoch++) {
      if (epoch === cutAt) {
        const keep = subset(random, channels.length);
        await history.keep(keep);
        channels = Array.from(keep, (c) => channels[c] ?? []);
      }
      if (epoch === savedAt) history = await native.History.restore(await history.serialize());
      if (epoch === epochs) break;
      const now = [...history.dims];
      const weights = weightsOf(random, product(now), false);
      await history.record(weights);
      for (const [c, values] of channelsOf(weights, now, axis).entries()) channels[c]?.push(...values);
    }
    const [n, k] = [channels.length, integer(random, 0, 12)];
    const gram = reference.gramOf(channels);
    const cosines = reference.cosineOf(gram, n);
    const l1 = channels.map((values) => values.reduce((sum, v) => sum + Math.abs(v), 0));
    if (!reference.areTopPairs(await history.topPairs(k), cosines, n, k, 1e-4)) return 1;
    return Math.max(
      worstError(history.l1(), l1),
      worstError(await history.gram(), gram),
      worstError(await history.cosine(), cosines) / 10,
    );
  },
  1e-5,
);
