/** Networks for small devices: depthwise convolutions, splits, shuffles, ghosts; small, in the papers' topology. */

import type { Graph } from '../../lib/graph/graph.js';
import { type GraphBuilder, graphBuilder, type Value } from './builder.js';
import {
  classifier,
  depthwise,
  hardSigmoid,
  hardSwish,
  slice,
  split,
  squeezeExcite,
  transpose,
  view,
  type ZooOptions,
} from './pieces.js';

function stemmed(name: string, { seed = 0 }: ZooOptions, channels = 16): { b: GraphBuilder; x: Value } {
  const b = graphBuilder(name, { seed });
  return { b, x: b.convBn(b.input([3, 32, 32]), channels, { kernel: 3, pad: 1, stride: 2, name: 'stem' }) };
}

function depthwiseBn(b: GraphBuilder, x: Value, kernel: number, stride = 1): Value {
  return b.bn(depthwise(b, x, { kernel, stride, pad: (kernel - 1) / 2, bias: false }));
}

/** Howard et al. 2017: depthwise and pointwise convolutions in turn. */
export function mobilenetV1(options: ZooOptions = {}): Graph {
  const { b, x: stem } = stemmed('mobilenet_v1', options);
  let x = stem;
  for (const [channels, stride] of [
    [24, 1],
    [32, 2],
    [32, 1],
    [48, 2],
  ] as const)
    x = b.convBn(b.relu6(depthwiseBn(b, x, 3, stride)), channels, { kernel: 1 });
  return b.build(classifier(b, x));
}

interface Inverted {
  kernel: number;
  expansion: number;
  channels: number;
  stride: number;
}

function inverted(
  b: GraphBuilder,
  x: Value,
  { kernel, expansion, channels, stride }: Inverted,
  act: (x: Value) => Value,
  gate: (x: Value) => Value = (y) => y,
): Value {
  const inner = x.channels * expansion;
  const expanded = act(b.convBn(x, inner, { kernel: 1 }, ''));
  const y = b.convBn(gate(act(depthwiseBn(b, expanded, kernel, stride))), channels, { kernel: 1 }, '');
  return stride === 1 && x.channels === channels ? b.add(y, x) : y;
}

const STAGES: readonly Inverted[] = [
  { kernel: 3, expansion: 2, channels: 24, stride: 2 },
  { kernel: 5, expansion: 3, channels: 24, stride: 1 },
  { kernel: 5, expansion: 3, channels: 32, stride: 2 },
  { kernel: 3, expansion: 2, channels: 32, stride: 1 },
];

/** Howard et al. 2019: hard swish, squeeze-and-excitation with a hard sigmoid. */
export function mobilenetV3(options: ZooOptions = {}): Graph {
  const { b, x: stem } = stemmed('mobilenet_v3', options);
  let x = stem;
  for (const stage of STAGES)
    x = inverted(
      b,
      x,
      stage,
      (y) => hardSwish(b, y),
      (y) => squeezeExcite(b, y, 12, hardSigmoid),
    );
  x = hardSwish(b, b.convBn(x, 48, { kernel: 1 }, ''));
  const hidden = hardSwish(b, b.gemm(b.flatten(b.globalAveragePool(x)), 40, { name: 'hidden' }));
  return b.build(b.gemm(b.dropout(hidden), 7, { name: 'classifier' }));
}

/** Tan et al. 2019: a separable stem, then inverted residuals. */
export function mnasnet(options: ZooOptions = {}): Graph {
  const { b, x: stem } = stemmed('mnasnet', options);
  let x = b.convBn(b.relu(depthwiseBn(b, stem, 3)), 16, { kernel: 1 }, '');
  for (const stage of STAGES) x = inverted(b, x, stage, (y) => b.relu(y));
  return b.build(classifier(b, b.convBn(x, 64, { kernel: 1 })));
}

/** Ma et al. 2018: half of the channels pass by, and both halves are shuffled. */
export function shufflenetV2(options: ZooOptions = {}): Graph {
  const { b, x: stem } = stemmed('shufflenet_v2', options);
  const shuffle = (y: Value, area: number): Value => {
    const half = y.channels / 2;
    const swapped = transpose(b, view(b, y, [2, half, area, area], y.channels), [0, 2, 1, 3, 4]);
    return view(b, swapped, [2 * half, area, area], 2 * half);
  };
  const branch = (y: Value, channels: number, stride: number): Value => {
    const narrow = b.convBn(y, channels, { kernel: 1 });
    return b.convBn(depthwiseBn(b, narrow, 3, stride), channels, { kernel: 1 });
  };
  let x = stem;
  let area = 16;
  for (const half of [16, 32]) {
    area /= 2;
    const passed = b.convBn(depthwiseBn(b, x, 3, 2), half, { kernel: 1 });
    x = shuffle(b.concat([passed, branch(x, half, 2)]), area);
    for (let unit = 0; unit < 3; unit++) {
      const [left = x, right = x] = split(b, x, [half, half]);
      x = shuffle(b.concat([left, branch(right, half, 1)]), area);
    }
  }
  return b.build(classifier(b, b.convBn(x, 64, { kernel: 1 })));
}

/** Zhang et al. 2018: grouped pointwise convolutions with a shuffle between them. */
export function shufflenetV1(options: ZooOptions = {}): Graph {
  const { b, x: stem } = stemmed('shufflenet_v1', options, 24);
  const groups = 3;
  let x = stem;
  for (const [channels, stride] of [
    [48, 2],
    [48, 1],
    [48, 1],
  ] as const) {
    const inner = 24;
    const out = stride === 2 ? channels - x.channels : channels;
    const narrow = b.convBn(x, inner, { kernel: 1, groups });
    const area = stride === 2 ? 16 : 8;
    const swapped = transpose(b, view(b, narrow, [groups, inner / groups, area, area], inner), [0, 2, 1, 3, 4]);
    const mixed = depthwiseBn(b, view(b, swapped, [inner, area, area], inner), 3, stride);
    const y = b.convBn(mixed, out, { kernel: 1, groups }, '');
    x = b.relu(stride === 2 ? b.concat([b.averagePool(x, { kernel: 3, stride: 2, pad: 1 }), y]) : b.add(x, y));
  }
  return b.build(classifier(b, x));
}

/** Han et al. 2020: half of the features are made from the other half by cheap depthwise convolutions. */
export function ghostnet(options: ZooOptions = {}): Graph {
  const { b, x: stem } = stemmed('ghostnet', options);
  const ghost = (y: Value, channels: number, act: boolean): Value => {
    const half = Math.ceil(channels / 2);
    const maybe = (z: Value) => (act ? b.relu(z) : z);
    const primary = maybe(b.convBn(y, half, { kernel: 1 }, ''));
    return slice(b, b.concat([primary, maybe(depthwiseBn(b, primary, 3))]), 0, channels);
  };
  let x = stem;
  for (const [inner, channels, stride] of [
    [32, 16, 1],
    [48, 24, 2],
    [49, 24, 1],
    [72, 40, 2],
  ] as const) {
    let y = ghost(x, inner, true);
    if (stride === 2) y = depthwiseBn(b, y, 3, 2);
    y = ghost(squeezeExcite(b, y, 8, hardSigmoid), channels, false);
    const same = stride === 1 && x.channels === channels;
    x = b.add(y, same ? x : b.convBn(depthwiseBn(b, x, 3, stride), channels, { kernel: 1 }, ''));
  }
  return b.build(classifier(b, b.convBn(x, 64, { kernel: 1 })));
}

/** Tan and Le 2019, MixNet: the channels are split among kernels of several sizes. */
export function mixnet(options: ZooOptions = {}): Graph {
  const { b, x: stem } = stemmed('mixnet', options);
  const parts = (total: number, count: number): number[] => {
    const each = Math.floor(total / count);
    return Array.from({ length: count }, (_, index) => (index === 0 ? total - each * (count - 1) : each));
  };
  const mixed = (y: Value, count: number, stride: number) =>
    b.bn(
      b.concat(
        split(b, y, parts(y.channels, count)).map((part, index) =>
          depthwise(b, part, { kernel: 3 + 2 * index, pad: 1 + index, stride, bias: false }),
        ),
      ),
    );
  const pointwise = (y: Value, channels: number) =>
    b.bn(
      b.concat(split(b, y, parts(y.channels, 2)).map((part) => b.conv(part, channels / 2, { kernel: 1, bias: false }))),
    );
  let x = stem;
  for (const [channels, stride] of [
    [24, 2],
    [24, 1],
    [32, 2],
    [32, 1],
  ] as const) {
    const expanded = b.swish(pointwise(x, 2 * x.channels));
    const y = pointwise(squeezeExcite(b, b.swish(mixed(expanded, 3, stride)), 8), channels);
    x = stride === 1 ? b.add(y, x) : y;
  }
  return b.build(classifier(b, x));
}

/** Chen et al. 2023: a convolution of a quarter of the channels, the others pass by. */
export function fasternet(options: ZooOptions = {}): Graph {
  const { b, x: stem } = stemmed('fasternet', options, 24);
  let x = stem;
  for (const [channels, stride] of [
    [24, 1],
    [40, 2],
    [40, 1],
  ] as const) {
    if (stride === 2) x = b.convBn(x, channels, { kernel: 2, stride: 2 }, '');
    const quarter = channels / 4;
    const [head, rest] = [slice(b, x, 0, quarter), slice(b, x, quarter, channels)];
    const joined = b.concat([b.conv(head, quarter, { kernel: 3, pad: 1, bias: false }), rest]);
    x = b.add(x, b.conv(b.convBn(joined, 2 * channels, { kernel: 1 }), channels, { kernel: 1, bias: false }));
  }
  return b.build(classifier(b, x));
}

export const MOBILE_FAMILIES: Readonly<Record<string, (options?: ZooOptions) => Graph>> = {
  mobilenetV1,
  mobilenetV3,
  mnasnet,
  shufflenetV1,
  shufflenetV2,
  ghostnet,
  mixnet,
  fasternet,
};
