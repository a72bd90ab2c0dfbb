/** 10,000 random cases of every entry that is not a score against the plain reference; the scores are in many-scores. */

import { expect, test } from '@jest/globals';
import * as native from '../../lib/native.js';
import { axisOf, dimsOf, many, pick, weightsOf } from './many.js';
import { channelsOf, floats, integer, product, type Random, subset, worstError } from './random.js';
import * as reference from './reference.js';

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

function outFor({ data, dims, axes }: native.Cut): native.Numbers {
  const after = dims.map((extent, axis) => axes.find((cut) => cut.axis === axis)?.keep.length ?? extent);
  const out: native.Numbers = Reflect.construct(data.constructor, [product(after)]);
  return out instanceof BigInt64Array || out instanceof BigUint64Array ? out.fill(7n) : out.fill(7);
}

many('applySurgery', 108, async (random) => {
  const cuts = Array.from({ length: integer(random, 0, 2) }, (): native.Cut => {
    const cut = cutOf(random);
    // Sometimes into memory of the caller's, which is not empty.
    return random() < 0.3 ? { ...cut, out: outFor(cut) } : cut;
  });
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
    // Sometimes into memory of the caller's, which is not empty.
    const room = () => ({ weight: new Float32Array(weight.length).fill(7), bias: new Float32Array(n).fill(7) });
    const options = () => (random() < 0.3 ? { axis, out: room() } : { axis });
    const folded = await native.foldBatchNorm(weight, dims, bias, scale, shift, mean, variance, epsilon, options());
    const weights = channelsOf(weight, dims, axis).flatMap((values, c) => values.map((v) => v * (affine[c]?.[0] ?? 0)));
    const biases = affine.map(([factor, offset], c) => factor * (bias?.[c] ?? 0) + offset);
    const back = await native.unfoldBatchNorm(
      ...([folded.weight, dims, folded.bias, scale, shift, mean, variance, epsilon, options()] as const),
    );
    return Math.max(
      worstError(channelsOf(folded.weight, dims, axis).flat(), weights),
      worstError(folded.bias, biases),
      worstError(back.weight, weight),
      worstError(back.bias, bias ?? new Float32Array(n)) / 100,
    );
  },
  1e-5,
);

many(
  'preprocessImages',
  114,
  async (random) => {
    const [count, height, width] = [integer(random, 0, 3), integer(random, 1, 5), integer(random, 1, 5)];
    const channels = pick(random, ['RGB', 'BGR', 'L'] as const);
    const perChannel = () => Array.from({ length: channels === 'L' ? 1 : 3 }, () => random() * 2 - 1);
    const layout = pick(random, ['NCHW', 'NHWC'] as const);
    const format = { height, width, channels, layout, multiply: perChannel(), add: perChannel() };
    const size = height * width * 3;
    const offset = integer(random, 0, 3);
    const pixels = new Uint8Array(count * size + offset).subarray(offset).map(() => integer(random, 0, 255));
    const rectangle = (extent: number) => {
      const length = extent * (0.05 + 0.95 * random());
      return [extent * (2 * random() - 1), length] as const;
    };
    const changeOf = () => {
      const [[top, high], [left, wide]] = [rectangle(height), rectangle(width)];
      return [top, left, high, wide, integer(random, 0, 1), 2 * random(), random() - 0.5, random() - 0.5];
    };
    const changes = random() < 0.8 ? Float64Array.from(Array.from({ length: count }, changeOf).flat()) : undefined;
    const expected = Array.from({ length: count }, (_, i) =>
      reference.pictureOf(pixels.subarray(i * size, (i + 1) * size), format, changes?.subarray(8 * i, 8 * i + 8)),
    ).flat();
    const out = new Float32Array(expected.length).fill(7);
    const returned = await native.preprocessImages(pixels, count, format, changes, out);
    return returned === out ? worstError(out, expected) : true;
  },
  1e-4,
);

test('every function of the addon is here', () => {
  const isClass = (value: unknown) => /^class/.test(Function.prototype.toString.call(value));
  const functions = Object.entries(native).flatMap(([name, value]) =>
    typeof value === 'function' && !isClass(value) ? [name] : [],
  );
  expect(functions.sort()).toEqual([
    'addonInfo',
    'applySurgery',
    'batchNormScale',
    'compileCost',
    'cosinePairs',
    'countCost',
    'createHistory',
    'createLeastSquares',
    'findDevice',
    'foldBatchNorm',
    'geometricMedian',
    'lamp',
    'norms',
    'normsOfAll',
    'planSurgery',
    'preprocessImages',
    'rankChannels',
    'registerTensorflowKernels',
    'taylor',
    'unfoldBatchNorm',
  ]);
});
