/** 10,000 random cases of every score and of the history against the plain reference. */

import * as native from '../../lib/native.js';
import { axisOf, dimsOf, many, overlapping, pick, weightsOf } from './many.js';
import { channelsOf, integer, product, subset, worstError } from './random.js';
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

many(
  'scores of bfloat16 bits',
  115,
  async (random) => {
    const dims = dimsOf(random);
    const [axis, kind] = [axisOf(random, dims), pick(random, reference.NORM_KINDS)];
    const wide = weightsOf(random, product(dims));
    // The upper halves of the bits of floats.
    const bits = Uint16Array.from(new Uint32Array(wide.slice().buffer), (word) => word >>> 16);
    const exact = new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
    const expected = reference.normsOf(exact, dims, axis, kind);
    const scale = Math.max(0, ...expected.filter(Number.isFinite)) || 1;
    return worstError(await native.norms(bits, dims, axis, kind, { dtype: 'bfloat16' }), expected, scale * 1e-3);
  },
  1e-9,
);

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
    for (let epoch = integer(random, 0, 3); epoch > 0; epoch--) {
      const now = [...history.dims];
      const weights = weightsOf(random, product(now), false);
      await history.record(weights);
      for (const [c, values] of channelsOf(weights, now, axis).entries()) channels[c]?.push(...values);
      if (random() < 0.2) {
        const keep = subset(random, channels.length);
        await history.keep(keep);
        channels = Array.from(keep, (c) => channels[c] ?? []);
      }
      if (random() < 0.2) history = await native.History.restore(await history.serialize());
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
