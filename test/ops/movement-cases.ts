/** Random cases of operators that move data, or reduce it in order. */

import type { RandomGenerator } from '../../lib/graph/random.js';
import { int64, type Tensor } from '../../lib/graph/tensor.js';
import { int, ints, type OperatorCase, oneOf, string } from './harness.js';

export const list = (...values: number[]): Tensor => int64([values.length], values);
const shapeOf = (random: RandomGenerator, least = 1, most = 5, extent = 5) =>
  Array.from({ length: least + random.int(most - least + 1) }, () => 1 + random.int(extent));
const shuffled = (random: RandomGenerator, count: number): number[] =>
  Array.from({ length: count }, (_, index) => ({ index, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ index }) => index);
const signed = (random: RandomGenerator, axis: number, rank: number) => (random.int(2) ? axis : axis - rank);

/** `extent` as the product of a few factors. */
function factors(random: RandomGenerator, extent: number): number[] {
  const found: number[] = [];
  for (let rest = extent; rest > 1; ) {
    const divisors = Array.from({ length: rest }, (_, d) => d + 1).filter((d) => d > 1 && rest % d === 0);
    const factor = oneOf(random, divisors);
    found.push(factor);
    rest /= factor;
  }
  return found.slice(0, 4).concat(found.length > 4 ? [found.slice(4).reduce((a, b) => a * b, 1)] : []);
}

export const MOVEMENT: Record<string, (random: RandomGenerator) => OperatorCase> = {
  Concat: (random) => {
    const dims = shapeOf(random);
    const axis = random.int(dims.length);
    const inputs = Array.from({ length: 1 + random.int(4) }, () => ({ dims: dims.with(axis, random.int(5)) }));
    return { op: 'Concat', attributes: { axis: int(signed(random, axis, dims.length)) }, inputs };
  },
  Split: (random) => {
    const dims = shapeOf(random);
    const axis = random.int(dims.length);
    const attributes = { axis: int(signed(random, axis, dims.length)) };
    if (random.int(2)) {
      const sizes = Array.from({ length: 1 + random.int(4) }, () => 1 + random.int(4));
      const total = sizes.reduce((a, b) => a + b, 0);
      return {
        op: 'Split',
        attributes,
        inputs: [{ dims: dims.with(axis, total) }, list(...sizes)],
        outputs: sizes.length,
      };
    }
    const count = 1 + random.int(3);
    const size = 2 + random.int(3);
    const inputs = [{ dims: dims.with(axis, size * count - random.int(2)) }];
    return { op: 'Split', attributes: { ...attributes, num_outputs: int(count) }, inputs, outputs: count };
  },
  Slice: (random) => {
    const dims = shapeOf(random, 1, 5, 7);
    const axes = shuffled(random, dims.length).slice(0, 1 + random.int(dims.length));
    const bound = (axis: number) =>
      oneOf(random, [random.int(2 * (dims[axis] ?? 1) + 3) - (dims[axis] ?? 1) - 1, 2 ** 31, -(2 ** 31)]);
    const steps = axes.map(() => oneOf(random, [1, 1, 1, 2, 3, -1, -2, -3]));
    const starts = axes.map((axis, index) => (random.int(2) ? ((steps[index] ?? 1) > 0 ? 0 : -1) : bound(axis)));
    const inputs = [
      { dims },
      list(...starts),
      list(...axes.map(bound)),
      list(...axes.map((axis) => signed(random, axis, dims.length))),
    ];
    return { op: 'Slice', inputs: random.int(4) ? [...inputs, list(...steps)] : inputs };
  },
  Reshape: (random) => {
    const dims = shapeOf(random, 1, 4, 6);
    const target = shuffled(random, dims.length).flatMap((axis) =>
      random.int(2) ? [dims[axis] ?? 1] : factors(random, dims[axis] ?? 1),
    );
    if (random.int(2) && target.length > 0) target[random.int(target.length)] = -1;
    if (dims[0] === target[0] && random.int(2)) target[0] = 0;
    return { op: 'Reshape', inputs: [{ dims }, list(...target)] };
  },
  Transpose: (random) => {
    const dims = shapeOf(random, 1, 5, 4);
    const attributes: OperatorCase['attributes'] = random.int(4)
      ? { perm: ints(...shuffled(random, dims.length)) }
      : {};
    return { op: 'Transpose', attributes, inputs: [{ dims }] };
  },
  Squeeze: (random) => {
    const dims = shapeOf(random).map((extent) => (random.int(2) ? 1 : extent));
    const ones = dims.flatMap((extent, axis) => (extent === 1 ? [signed(random, axis, dims.length)] : []));
    const chosen = ones.filter(() => random.int(2));
    return { op: 'Squeeze', inputs: random.int(4) && chosen.length ? [{ dims }, list(...chosen)] : [{ dims }] };
  },
  Unsqueeze: (random) => {
    const dims = shapeOf(random, 1, 3);
    const added = 1 + random.int(2);
    const rank = dims.length + added;
    const axes = shuffled(random, rank).slice(0, added);
    return { op: 'Unsqueeze', inputs: [{ dims }, list(...axes.map((axis) => signed(random, axis, rank)))] };
  },
  Pad: (random) => {
    const mode = oneOf(random, ['constant', 'reflect', 'edge', 'wrap', undefined]);
    const dims = shapeOf(random, 1, 4, 5).map((extent) => extent + 2);
    const axes = random.int(2) ? shuffled(random, dims.length).slice(0, 1 + random.int(dims.length)) : undefined;
    const count = (axes ?? dims).length;
    const pads = Array.from({ length: 2 * count }, () => random.int(3) - (mode === undefined ? 1 : 0));
    const value = random.int(2) ? { dims: [], low: 2, high: 3, constant: true } : undefined;
    return {
      op: 'Pad',
      opset: 19,
      attributes: mode ? { mode: string(mode) } : {},
      inputs: [
        { dims },
        list(...pads),
        value,
        ...(axes ? [list(...axes.map((axis) => signed(random, axis, dims.length)))] : []),
      ],
    };
  },
  Expand: (random) => {
    const dims = shapeOf(random, 1, 4).map((extent) => (random.int(2) ? 1 : extent));
    const grown = dims.map((extent) => (extent === 1 ? 1 + random.int(4) : oneOf(random, [1, extent])));
    const target = random.int(3) ? [...shapeOf(random, 0, 2, 3), ...grown] : grown.slice(random.int(grown.length + 1));
    return { op: 'Expand', inputs: [{ dims }, list(...target)] };
  },
  Tile: (random) => {
    const dims = shapeOf(random, 1, 5, 3);
    return { op: 'Tile', inputs: [{ dims }, list(...dims.map(() => 1 + random.int(3)))] };
  },
  Gather: (random) => {
    const dims = shapeOf(random, 1, 4);
    const axis = random.int(dims.length);
    const extent = dims[axis] ?? 1;
    const indices = {
      dims: shapeOf(random, 0, 2, 4),
      dtype: 'int64' as const,
      low: -extent,
      high: extent,
      constant: random.int(2) === 0,
    };
    return { op: 'Gather', attributes: { axis: int(signed(random, axis, dims.length)) }, inputs: [{ dims }, indices] };
  },
  GatherND: (random) => {
    const dims = shapeOf(random, 1, 4, 4);
    const batch = random.int(dims.length);
    const count = 1 + random.int(dims.length - batch);
    const rows = [...dims.slice(0, batch), ...shapeOf(random, 0, 2, 3)];
    const size = rows.reduce((product, extent) => product * extent, 1);
    const indices = Array.from({ length: size * count }, (_, at) => {
      const extent = dims[batch + (at % count)] ?? 1;
      return signed(random, random.int(extent), extent);
    });
    return {
      op: 'GatherND',
      attributes: { batch_dims: int(batch) },
      inputs: [{ dims, constant: random.int(3) === 0 }, int64([...rows, count], indices)],
    };
  },
  ScatterND: (random) => {
    const dims = shapeOf(random, 1, 4);
    const count = 1 + random.int(dims.length);
    const indexed = dims.slice(0, count);
    // Each place once: what is left of several in one is not defined.
    const places = shuffled(
      random,
      indexed.reduce((product, extent) => product * extent, 1),
    );
    const rows = places.slice(0, 1 + random.int(places.length)).map((place) => {
      let rest = place;
      return indexed.toReversed().map((extent) => {
        const position = rest % extent;
        rest = (rest - position) / extent;
        return signed(random, position, extent);
      });
    });
    const indices = int64(
      [rows.length, count],
      rows.flatMap((row) => row.toReversed()),
    );
    const reduction = oneOf(random, [undefined, 'none', 'add']);
    return {
      op: 'ScatterND',
      attributes: reduction ? { reduction: string(reduction) } : {},
      inputs: [{ dims, constant: random.int(3) === 0 }, indices, { dims: [rows.length, ...dims.slice(count)] }],
    };
  },
  DepthToSpace: (random) => {
    const block = 1 + random.int(3);
    const [n = 1, c = 1, h = 1, w = 1] = shapeOf(random, 4, 4, 3);
    const attributes = { blocksize: int(block), mode: string(oneOf(random, ['DCR', 'CRD'])) };
    return { op: 'DepthToSpace', attributes, inputs: [{ dims: [n, c * block * block, h, w] }] };
  },
  SpaceToDepth: (random) => {
    const block = 1 + random.int(3);
    const [n = 1, c = 1, h = 1, w = 1] = shapeOf(random, 4, 4, 3);
    return {
      op: 'SpaceToDepth',
      attributes: { blocksize: int(block) },
      inputs: [{ dims: [n, c, h * block, w * block] }],
    };
  },
  CumSum: (random) => {
    const dims = shapeOf(random, 1, 5, 4);
    const axis = int64([], [signed(random, random.int(dims.length), dims.length)]);
    return {
      op: 'CumSum',
      attributes: { exclusive: int(random.int(2)), reverse: int(random.int(2)) },
      inputs: [{ dims }, axis],
    };
  },
  ReduceProd: (random) => {
    const dims = shapeOf(random, 1, 4, 4);
    const axes = shuffled(random, dims.length).slice(0, random.int(dims.length + 1));
    const attributes = { keepdims: int(random.int(2)), noop_with_empty_axes: int(random.int(2)) };
    const inputs = [
      { dims, low: 0.5, high: 1.5 },
      axes.length ? list(...axes.map((axis) => signed(random, axis, dims.length))) : undefined,
    ];
    return { op: 'ReduceProd', attributes, inputs };
  },
  ArgMax: (random) => {
    const dims = shapeOf(random, 1, 4, 4);
    const axis = signed(random, random.int(dims.length), dims.length);
    const attributes = { axis: int(axis), keepdims: int(random.int(2)), select_last_index: int(random.int(2)) };
    return {
      op: 'ArgMax',
      attributes,
      inputs: [{ dims, low: 0, high: 3 }].map((x) => ({
        ...x,
        dtype: random.int(2) ? ('int32' as const) : ('float32' as const),
      })),
    };
  },
  Cast: (random) => ({
    op: 'Cast',
    attributes: { to: int(oneOf(random, [1, 6, 7, 9])) },
    inputs: [
      {
        dims: shapeOf(random, 1, 4, 4),
        low: -3,
        high: 3,
        dtype: oneOf(random, ['float32', 'int32', 'int64']),
        constant: random.int(2) === 0,
      },
    ],
    gradients: false,
  }),
};
