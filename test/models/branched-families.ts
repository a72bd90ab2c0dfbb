/** Networks whose branches meet again: inception modules, separable convolutions, trees, several resolutions. */

import type { Graph } from '../../lib/graph/graph.js';
import { type ConvOptions, type GraphBuilder, graphBuilder, type Value } from './builder.js';
import { classifier, depthwise, shortcut, split, upsample, type ZooOptions } from './pieces.js';

/** Szegedy et al. 2015, with torchvision's batch norms. */
export function googlenet({ seed = 0 }: ZooOptions = {}): Graph {
  const b = graphBuilder('googlenet', { seed });
  const inception = (x: Value, [one, narrow3, three, narrow5, five, pooled]: readonly number[]): Value =>
    b.concat([
      b.convBn(x, one ?? 8, { kernel: 1 }),
      b.convBn(b.convBn(x, narrow3 ?? 8, { kernel: 1 }), three ?? 8, { kernel: 3, pad: 1 }),
      b.convBn(b.convBn(x, narrow5 ?? 8, { kernel: 1 }), five ?? 8, { kernel: 3, pad: 1 }),
      b.convBn(b.maxPool(x, { kernel: 3, stride: 1, pad: 1, ceil: true }), pooled ?? 8, { kernel: 1 }),
    ]);
  let x = b.convBn(b.input([3, 32, 32]), 16, { kernel: 7, stride: 2, pad: 3 });
  x = b.convBn(b.convBn(x, 16, { kernel: 1 }), 24, { kernel: 3, pad: 1 });
  x = inception(b.maxPool(x, { kernel: 3, stride: 2, ceil: true }), [12, 12, 16, 6, 8, 8]);
  x = inception(x, [16, 16, 24, 8, 12, 8]);
  x = inception(b.maxPool(x, { kernel: 2, stride: 2, ceil: true }), [20, 16, 24, 8, 12, 12]);
  return b.build(b.gemm(b.dropout(b.flatten(b.globalAveragePool(x)), 0.2), 7, { name: 'fc' }));
}

/** Szegedy et al. 2016: 7×7 as 1×7 and 7×1, average-pooled branches, concatenations within concatenations. */
export function inceptionV3({ seed = 0 }: ZooOptions = {}): Graph {
  const b = graphBuilder('inception_v3', { seed });
  const row = (x: Value, channels: number, k: number) =>
    b.convBn(x, channels, { kernel: [1, k], pad: [0, (k - 1) / 2, 0, (k - 1) / 2] });
  const column = (x: Value, channels: number, k: number) =>
    b.convBn(x, channels, { kernel: [k, 1], pad: [(k - 1) / 2, 0, (k - 1) / 2, 0] });
  const one = (x: Value, channels: number) => b.convBn(x, channels, { kernel: 1 });
  const pooled = (x: Value, channels: number) => one(b.averagePool(x, { kernel: 3, stride: 1, pad: 1 }), channels);
  const a = (x: Value) => {
    const five = b.convBn(one(x, 10), 12, { kernel: 5, pad: 2 });
    const three = b.convBn(b.convBn(one(x, 12), 16, { kernel: 3, pad: 1 }), 16, { kernel: 3, pad: 1 });
    return b.concat([one(x, 12), five, three, pooled(x, 8)]);
  };
  const reduction = (x: Value) => {
    const twice = b.convBn(b.convBn(one(x, 12), 16, { kernel: 3, pad: 1 }), 16, { kernel: 3, stride: 2 });
    return b.concat([b.convBn(x, 24, { kernel: 3, stride: 2 }), twice, b.maxPool(x, { kernel: 3, stride: 2 })]);
  };
  const c = (x: Value) =>
    b.concat([
      one(x, 20),
      column(row(one(x, 12), 12, 7), 20, 7),
      row(column(row(column(one(x, 12), 12, 7), 12, 7), 12, 7), 20, 7),
      pooled(x, 20),
    ]);
  const e = (x: Value) => {
    const y = one(x, 16);
    const z = b.convBn(one(x, 16), 16, { kernel: 3, pad: 1 });
    const both = (from: Value) => b.concat([row(from, 16, 3), column(from, 16, 3)]);
    return b.concat([one(x, 16), both(y), both(z), pooled(x, 12)]);
  };
  const stem = b.convBn(b.input([3, 40, 40]), 12, { kernel: 3, stride: 2 });
  const x = b.maxPool(b.convBn(stem, 20, { kernel: 3, pad: 1 }), { kernel: 3, stride: 2 });
  return b.build(classifier(b, e(c(reduction(a(x))))));
}

/** Chollet 2017: separable convolutions, activations first, a convolution beside each block. */
export function xception({ seed = 0 }: ZooOptions = {}): Graph {
  const b = graphBuilder('xception', { seed });
  const separable = (x: Value, channels: number) =>
    b.convBn(depthwise(b, x, { kernel: 3, pad: 1, bias: false }), channels, { kernel: 1 }, '');
  let x = b.convBn(b.input([3, 32, 32]), 16, { kernel: 3, stride: 2, pad: 1 });
  for (const [channels, stride] of [
    [24, 2],
    [32, 2],
    [32, 1],
    [48, 1],
  ] as const) {
    let y = separable(b.relu(x), channels);
    y = separable(b.relu(y), channels);
    if (stride === 2) y = b.maxPool(y, { kernel: 3, stride: 2, pad: 1 });
    x = b.add(y, shortcut(b, x, channels, stride));
  }
  return b.build(classifier(b, b.relu(separable(x, 64))));
}

/** Wang et al. 2020: half of a stage's channels pass its blocks by. */
export function cspnet({ seed = 0 }: ZooOptions = {}): Graph {
  const b = graphBuilder('cspnet', { seed });
  const conv = (x: Value, channels: number, options: ConvOptions) =>
    b.node('LeakyRelu', [b.convBn(x, channels, options, '')], { alpha: 0.01 });
  let x = conv(b.input([3, 32, 32]), 16, { kernel: 3, stride: 2, pad: 1 });
  for (const channels of [32, 48]) {
    const down = conv(x, channels, { kernel: 3, stride: 2, pad: 1 });
    const [passed = down, inner = down] = split(b, conv(down, channels, { kernel: 1 }), [channels / 2, channels / 2]);
    let y = inner;
    for (let block = 0; block < 2; block++) {
      const narrow = conv(y, channels / 2, { kernel: 1 });
      y = b.add(y, conv(narrow, channels / 2, { kernel: 3, pad: 1 }));
    }
    x = conv(b.concat([passed, conv(y, channels / 2, { kernel: 1 })]), channels, { kernel: 1 });
  }
  return b.build(classifier(b, x));
}

function basicBlock(b: GraphBuilder, x: Value, channels: number, stride = 1): Value {
  const y = b.convBn(b.convBn(x, channels, { kernel: 3, pad: 1, stride }), channels, { kernel: 3, pad: 1 }, '');
  return b.relu(b.add(y, shortcut(b, x, channels, stride)));
}

/** Yu et al. 2018, deep layer aggregation: the roots of trees concatenate all that was made below them. */
export function dla({ seed = 0 }: ZooOptions = {}): Graph {
  const b = graphBuilder('dla', { seed });
  const root = (children: Value[], channels: number) => {
    const y = b.convBn(b.concat(children), channels, { kernel: 1 }, '');
    const [first] = children;
    return b.relu(first?.channels === channels ? b.add(y, first) : y);
  };
  const tree = (x: Value, channels: number, levels: number, stride: number, below: Value[] = []): Value => {
    const bottom = stride > 1 ? b.maxPool(x, { kernel: 2 }) : x;
    const children = levels > 1 ? [...below, bottom] : below;
    if (levels > 1) {
      const left = tree(x, channels, levels - 1, stride);
      return tree(left, channels, levels - 1, 1, [...children, left]);
    }
    const left = basicBlock(b, x, channels, stride);
    return root([basicBlock(b, left, channels), left, ...children], channels);
  };
  let x = b.convBn(b.input([3, 32, 32]), 16, { kernel: 3, stride: 2, pad: 1 });
  x = tree(x, 24, 1, 2);
  x = tree(x, 32, 2, 2);
  return b.build(classifier(b, x));
}

/** Wang et al. 2019: streams of two resolutions that exchange what they have, by upsampling and by strides. */
export function hrnet({ seed = 0 }: ZooOptions = {}): Graph {
  const b = graphBuilder('hrnet', { seed });
  const stem = b.convBn(b.input([3, 32, 32]), 24, { kernel: 3, stride: 2, pad: 1 });
  let high = b.convBn(stem, 16, { kernel: 3, pad: 1 });
  let low = b.convBn(stem, 32, { kernel: 3, pad: 1, stride: 2 });
  for (let module = 0; module < 2; module++) {
    const [fine, coarse] = [basicBlock(b, high, 16), basicBlock(b, low, 32)];
    const up = upsample(b, b.convBn(coarse, 16, { kernel: 1 }, ''), 2);
    const down = b.convBn(fine, 32, { kernel: 3, pad: 1, stride: 2 }, '');
    high = b.relu(b.add(fine, up));
    low = b.relu(b.add(down, coarse));
  }
  const head = b.add(b.convBn(high, 48, { kernel: 3, pad: 1, stride: 2 }), b.convBn(low, 48, { kernel: 1 }));
  return b.build(classifier(b, head));
}

export const BRANCHED_FAMILIES: Readonly<Record<string, (options?: ZooOptions) => Graph>> = {
  googlenet,
  inceptionV3,
  xception,
  cspnet,
  dla,
  hrnet,
};
