/** 10,000 random cases of every entry against the plain reference. */

import { expect, test } from '@jest/globals';
import * as native from '../../lib/native.js';
import { channelsOf, floats, integer, product, type Random, randomOf, subset, worstError } from './random.js';
import * as reference from './reference.js';

const CASES = 10_000;
const AT_ONCE = 250;

/** Runs the cases, many at a time; `check` answers with the error of one, 0 or false where there is none. */
function many(name: string, seed: number, check: (random: Random) => Promise<number | boolean>, tolerance = 0): void {
  test(`${name}: ${CASES} random cases`, async () => {
    const random = randomOf(seed);
    for (let done = 0; done < CASES; done += AT_ONCE) {
      const errors = await Promise.all(Array.from({ length: AT_ONCE }, () => check(random)));
      const worst = errors.findIndex((error) => !(Number(error) <= tolerance));
      if (worst >= 0) throw new Error(`case ${done + worst} of seed ${seed} is off by ${errors[worst]}`);
    }
  });
}

/** Small, odd, now and then empty; a few dozen elements. */
function dimsOf(random: Random): number[] {
  const rank = integer(random, 1, 4);
  return Array.from({ length: rank }, () => (random() < 0.02 ? 0 : integer(random, 1, rank > 2 ? 5 : 9)));
}

/** Numbers of any size and, where asked for, no numbers; a view that begins anywhere in a larger buffer. */
function weightsOf(random: Random, length: number, wild = true): Float32Array {
  const offset = integer(random, 0, 3);
  const array = new Float32Array(length + offset + integer(random, 0, 2)).subarray(offset, offset + length);
  const size = random() < 0.8 || !wild ? 1 : 10 ** integer(random, -30, 30);
  for (let i = 0; i < length; i++) array[i] = (random() * 2 - 1) * size;
  if (wild && length > 0 && random() < 0.1)
    array[integer(random, 0, length - 1)] = [Number.NaN, Number.POSITIVE_INFINITY, -Infinity, -0, 1e-45][
      integer(random, 0, 4)
    ] as number;
  return array;
}

/** Two tensors, which may share memory. */
function overlapping(random: Random, length: number): [Float32Array, Float32Array] {
  if (random() < 0.5) return [weightsOf(random, length, false), weightsOf(random, length, false)];
  const both = floats(random, length + 3);
  return [both.subarray(0, length), both.subarray(integer(random, 0, 3)).subarray(0, length)];
}

const axisOf = (random: Random, dims: readonly number[]) => integer(random, 0, dims.length - 1);
const pick = <T>(random: Random, values: readonly T[]): T => values[integer(random, 0, values.length - 1)] as T;

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
      if (random() < 0.2) history = native.History.restore(await history.serialize());
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

const TYPES = [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, Float64Array, BigInt64Array];

function cutOf(random: Random): native.Cut {
  const dims = dimsOf(random);
  const axes = [...dims.keys()]
    .filter(() => random() < 0.5)
    .map((axis): native.AxisCut => {
      const keep = subset(random, dims[axis] ?? 0);
      const removed = [...Array(dims[axis] ?? 0).keys()].filter((i) => !keep.includes(i));
      const merge = removed.flatMap((from): [number, number][] =>
        keep.length > 0 && random() < 0.3 ? [[from, keep[integer(random, 0, keep.length - 1)] ?? 0]] : [],
      );
      return random() < 0.4 ? { axis, keep, merge } : { axis, keep };
    });
  // Whole numbers, so that sums are exact in any order.
  const data = Float32Array.from({ length: product(dims) }, () => integer(random, -60, 60));
  const merges = axes.some(({ merge = [] }) => merge.length > 0);
  const Type = merges ? Float64Array : pick(random, TYPES);
  if (random() < 0.5) return { data, dims, axes };
  const values = Array.from(data, Math.abs);
  return {
    data: Type === BigInt64Array ? BigInt64Array.from(values, BigInt) : Reflect.construct(Type, [values]),
    dims,
    axes,
  };
}

many('applySurgery', 108, async (random) => {
  const cuts = Array.from({ length: integer(random, 0, 2) }, () => cutOf(random));
  const results = await native.applySurgery(cuts);
  return (
    results.length !== cuts.length ||
    results.some((result, c) => {
      const cut = cuts[c];
      if (cut === undefined || result.constructor !== cut.data.constructor) return true;
      return worstError(Array.from(result, Number), reference.surgeryOf(cut)) !== 0;
    })
  );
});

many('planSurgery', 109, async (random) => {
  const [channels, perChannel, offset] = [integer(random, 1, 6), integer(random, 1, 3), integer(random, 0, 2)];
  const last = random() < 0.5;
  const member = last
    ? { perChannel, channelStride: 1, elementStride: channels, offset }
    : { perChannel, channelStride: perChannel, offset };
  const extent = offset + channels * perChannel + integer(random, 0, 2);
  const remove = subset(random, channels).slice(0, channels - 1);
  const plan = native.planSurgery({ other: [3], tensor: [2, extent] }, [
    { channels, remove, members: [{ tensor: 'tensor', axis: 1, ...member }] },
  ]);
  const channelOf = (index: number) => {
    const place = index - offset;
    if (place < 0 || place >= channels * perChannel) return -1;
    return last ? place % channels : Math.floor(place / perChannel);
  };
  const keep = [...Array(extent).keys()].filter((index) => !remove.includes(channelOf(index)));
  if (remove.length === 0) return plan.length !== 0;
  const [part] = plan;
  return plan.length !== 1 || part?.dimsAfter[1] !== keep.length || worstError(part.axes[0]?.keep ?? [], keep) !== 0;
});

function costOf(random: Random) {
  const groups = integer(random, 0, 4);
  const kinds = Array.from(
    { length: integer(random, 1, 3) },
    (_, k): native.CostKind => ({ name: `kind${k}`, reduce: random() < 0.6 ? 'sum' : 'peak' }),
  );
  const form = (): native.AffineForm =>
    groups === 0 || random() < 0.2
      ? { constant: integer(random, 0, 9) }
      : {
          constant: integer(random, 0, 5),
          channels: Array.from({ length: integer(random, 0, 2) }, () => [
            integer(random, 0, groups - 1),
            integer(random, 1, 5),
          ]),
        };
  const terms = Array.from({ length: integer(random, 0, 8) }, (): native.NativeCostTerm => {
    const kind = `kind${integer(random, 0, kinds.length - 1)}`;
    const term = {
      kind,
      coefficient: integer(random, -20, 99),
      factors: Array.from({ length: integer(random, 0, 3) }, form),
    };
    return random() < 0.5 ? term : { ...term, step: integer(random, 0, 2) };
  });
  return { groups, kinds, terms };
}

many('compileCost and evaluate', 110, async (random) => {
  const cost = costOf(random);
  const count = cost.groups === 0 ? 1 : integer(random, 0, 5);
  const configurations = Int32Array.from({ length: count * cost.groups }, () => integer(random, 0, 64));
  const expected = Array.from({ length: count }, (_, c) =>
    reference.costOf(cost.kinds, cost.terms, configurations.subarray(c * cost.groups, (c + 1) * cost.groups)),
  ).flat();
  return worstError(await native.compileCost(cost).evaluate(configurations), expected);
});

many('countCost', 111, async (random) => {
  const cost = costOf(random);
  const channels = Array.from({ length: cost.groups }, () => integer(random, 0, 64));
  const counted = await native.countCost(cost, channels);
  const found = cost.kinds.map(({ name }) => counted[name] ?? Number.NaN);
  return worstError(found, reference.costOf(cost.kinds, cost.terms, channels));
});

many(
  'LeastSquares: add and solve',
  112,
  async (random) => {
    const [n, m, count] = [integer(random, 1, 4), integer(random, 1, 3), integer(random, 0, 9)];
    const [x, y] = [weightsOf(random, n * count, false), weightsOf(random, m * count, false)];
    const prior = random() < 0.5 ? floats(random, n * m) : undefined;
    const ridge = 0.1 + random();
    const equations = native.createLeastSquares(n, m);
    const first = integer(random, 0, count);
    await equations.add(x.subarray(0, first * n), y.subarray(0, first * m), first);
    await equations.add(x.subarray(first * n), y.subarray(first * m), count - first);
    return worstError(await equations.solve(ridge, prior), reference.ridgeOf(x, y, n, m, ridge, prior));
  },
  1e-4,
);

many(
  'foldBatchNorm and unfoldBatchNorm',
  113,
  async (random) => {
    const dims = dimsOf(random);
    const axis = axisOf(random, dims);
    const n = dims[axis] ?? 0;
    const weight = weightsOf(random, product(dims), false);
    const norm = {
      scale: floats(random, n).map((v) => v + Math.sign(v) * 0.1),
      shift: floats(random, n),
      mean: floats(random, n),
      variance: floats(random, n).map((v) => v * v + 0.1),
      epsilon: 1e-5,
    };
    const { scale, shift, mean, variance, epsilon } = norm;
    const bias = random() < 0.5 ? floats(random, n) : undefined;
    const affine = reference.affineOf(norm);
    const folded = await native.foldBatchNorm(weight, dims, bias, scale, shift, mean, variance, epsilon, { axis });
    const weights = channelsOf(weight, dims, axis).flatMap((values, c) => values.map((v) => v * (affine[c]?.[0] ?? 0)));
    const biases = affine.map(([factor, offset], c) => factor * (bias?.[c] ?? 0) + offset);
    const back = await native.unfoldBatchNorm(folded.weight, dims, folded.bias, scale, shift, mean, variance, epsilon, {
      axis,
    });
    return Math.max(
      worstError(channelsOf(folded.weight, dims, axis).flat(), weights),
      worstError(folded.bias, biases),
      worstError(back.weight, weight),
      worstError(back.bias, bias ?? new Float32Array(n)) / 100,
    );
  },
  1e-5,
);
