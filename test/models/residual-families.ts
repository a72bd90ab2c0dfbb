/** Residual networks with something done to their blocks: small, in the topology of the papers (and timm's code). */

import type { Graph } from '../../lib/graph/graph.js';
import { float32, int64 } from '../../lib/graph/tensor.js';
import { type ConvOptions, type GraphBuilder, graphBuilder, type Value } from './builder.js';
import {
  classifier,
  reduce,
  shortcut,
  slice,
  split,
  squeeze,
  squeezeExcite,
  transpose,
  unsqueeze,
  view,
  type ZooOptions,
} from './pieces.js';

interface Bottleneck {
  width: number;
  out: number;
  stride: number;
  /** Height and width of what comes in. */
  area: number;
}

/** The middle of a bottleneck, from its first 1×1 convolution to its last. */
type Middle = (b: GraphBuilder, x: Value, block: Bottleneck) => Value;

/** A stem, then bottlenecks of two stages; `after` acts on a block's output before the addition. */
function bottlenecks(
  name: string,
  middle: Middle,
  after: (b: GraphBuilder, x: Value) => Value = (_, x) => x,
  width = 16,
) {
  return ({ seed = 0 }: ZooOptions = {}): Graph => {
    const b = graphBuilder(name, { seed });
    let x = b.convBn(b.input([3, 32, 32]), 16, { kernel: 3, pad: 1, stride: 2, name: 'stem' });
    for (const [index, stride] of [1, 1, 2, 1].entries()) {
      const block = {
        width: index < 2 ? width : 2 * width,
        out: index < 2 ? 24 : 32,
        stride,
        area: index < 3 ? 16 : 8,
      };
      const y = b.convBn(x, block.width, { kernel: 1, name: `block${index}.conv1` });
      const z = middle(b, y, block);
      const out = b.convBn(z, block.out, { kernel: 1, name: `block${index}.conv3` }, '');
      x = b.relu(b.add(after(b, out), shortcut(b, x, block.out, stride)));
    }
    return b.build(classifier(b, x));
  };
}

const plain = (more: (block: Bottleneck) => ConvOptions = () => ({})): Middle => {
  return (b, x, block) => b.convBn(x, block.width, { kernel: 3, pad: 1, stride: block.stride, ...more(block) });
};

/** Xie et al. 2017: the 3×3 convolution in eight groups. */
export const resnext = bottlenecks(
  'resnext',
  plain(() => ({ groups: 8 })),
  undefined,
  32,
);

/** Zagoruyko and Komodakis 2016, in torchvision's form: a wide 3×3 convolution. */
export const wideResnet = bottlenecks('wide_resnet', plain(), undefined, 40);

/** Radosavovic et al. 2020, RegNetY: groups of width 8 and squeeze-and-excitation behind them. */
export const regnet = bottlenecks('regnety', (b, x, block) =>
  squeezeExcite(b, plain(({ width }) => ({ groups: width / 8 }))(b, x, block), 6),
);

/** Hu et al. 2018. */
export const senet = bottlenecks('senet', plain(), (b, x) => squeezeExcite(b, x, 8));

/** Wang et al. 2020: a convolution over three neighbouring channels gates them. */
export const ecanet = bottlenecks('ecanet', plain(), (b, x) => {
  const means = transpose(b, squeeze(b, b.globalAveragePool(x), -1), [0, 2, 1]);
  const weight = b.parameter('eca.weight', [1, 1, 3], { deviation: 0.5 });
  const attributes = { kernel_shape: [3], pads: [1, 1], strides: [1], dilations: [1], group: 1 };
  const mixed = b.node('Conv', [means, weight], attributes);
  const gate = b.sigmoid(unsqueeze(b, transpose(b, mixed, [0, 2, 1]), -1));
  return b.mul(x, b.node('Expand', [gate, b.node('Shape', [x])]));
});

/** Gao et al. 2019: parts of the channels pass one 3×3 convolution after the other, each with the part before added. */
export const res2net = bottlenecks(
  'res2net',
  (b, x, { width, stride }) => {
    const parts = split(b, x, new Array<number>(4).fill(width / 4));
    const done: Value[] = [];
    for (const part of parts.slice(0, 3)) {
      const before = done.at(-1);
      const joined = before && stride === 1 ? b.add(before, part) : part;
      done.push(b.convBn(joined, part.channels, { kernel: 3, pad: 1, stride }));
    }
    const last = parts[3] ?? x;
    return b.concat([...done, stride > 1 ? b.averagePool(last, { kernel: 3, stride, pad: 1 }) : last]);
  },
  undefined,
  32,
);

/** Li et al. 2019: a softmax over two branches for each channel. */
export const sknet = bottlenecks('sknet', (b, x, { width, stride }) => {
  const branches = [1, 2].map((dilation) =>
    b.convBn(x, width, { kernel: 3, pad: dilation, dilation, stride, groups: 2 }),
  );
  const stacked = b.node(
    'Concat',
    branches.map((branch) => unsqueeze(b, branch, 1)),
    { axis: 1 },
  );
  const means = reduce(b, 'ReduceMean', reduce(b, 'ReduceSum', stacked, [1], 0), [2, 3]);
  const logits = b.conv(b.convBn(means, 8, { kernel: 1 }), 2 * width, { kernel: 1, bias: false });
  const attention = b.node('Softmax', [view(b, logits, [2, width, 1, 1], width)], { axis: 1 });
  return reduce(b, 'ReduceSum', b.mul(stacked, attention), [1], 0);
});

/** Zhang et al. 2020, split attention: a grouped convolution makes the branches, a softmax over the radix weighs them. */
export const resnest = bottlenecks('resnest', (b, x, { width, stride, area }) => {
  const y = b.convBn(x, 2 * width, { kernel: 3, pad: 1, groups: 2 });
  const branches = view(b, y, [2, width, area, area], width);
  const means = reduce(b, 'ReduceMean', reduce(b, 'ReduceSum', branches, [1], 0), [2, 3]);
  const logits = b.conv(b.convBn(means, 8, { kernel: 1 }), 2 * width, { kernel: 1 });
  const swapped = transpose(b, view(b, logits, [1, 2, -1], width), [0, 2, 1, 3]);
  const attention = view(b, b.node('Softmax', [swapped], { axis: 1 }), [-1], 2 * width);
  const gates = view(b, view(b, attention, [-1, 1, 1], 2 * width), [2, width, 1, 1], width);
  const mixed = reduce(b, 'ReduceSum', b.mul(branches, gates), [1], 0);
  return stride > 1 ? b.averagePool(mixed, { kernel: 3, stride, pad: 1 }) : mixed;
});

/** Zhang 2019: what is subsampled is blurred first, by a constant depthwise kernel over a reflected border. */
export const blurPool = bottlenecks('resnet_blurpool', (b, x, block) => {
  const y = plain(() => ({ stride: 1 }))(b, x, block);
  if (block.stride === 1) return y;
  const row = [1, 2, 1];
  const kernel = row.flatMap((a) => row.map((c) => (a * c) / 16));
  const blur = b.constant(
    'filt',
    float32([block.width, 1, 3, 3], Array.from({ length: block.width }, () => kernel).flat()),
  );
  const padded = b.node('Pad', [y, b.constant('pads', int64([8], [0, 0, 1, 1, 0, 0, 1, 1]))], { mode: 'reflect' });
  const attributes = { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 0, 0, 0], group: block.width };
  return b.node('Conv', [padded, blur], attributes);
});

/** Wu and He 2018: group norms, which are exported as a Reshape and an instance norm. */
export const groupNormResnet = bottlenecks('resnet_gn', (b, x, { width, stride, area }) => {
  const y = b.conv(x, width, { kernel: 3, pad: 1, stride, bias: false });
  const ones = b.constant('ones', float32([4], [1, 1, 1, 1]));
  const zeros = b.constant('zeros', float32([4], [0, 0, 0, 0]));
  const grouped = b.reshape(y, [0, 4, -1], width);
  const normal = b.node('InstanceNormalization', [grouped, ones, zeros], { epsilon: 1e-5 });
  const back = b.reshape(normal, [0, width, area / stride, area / stride], width);
  const scaled = b.node('Mul', [back, b.parameter('gn.weight', [width, 1, 1], { mean: 1 })]);
  return b.relu(b.node('Add', [scaled, b.parameter('gn.bias', [width, 1, 1])]));
});

/** Woo et al. 2018, CBAM: gates by channel, then by position, the latter from the mean and the maximum over channels. */
export const cbam = bottlenecks('cbam', plain(), (b, x) => {
  const gated = squeezeExcite(b, x, 8);
  const seen = ['ReduceMean', 'ReduceMax'].map((op) => ({ ...reduce(b, op, gated, [1]), channels: 1 }));
  return b.mul(gated, b.sigmoid(b.conv(b.concat(seen), 1, { kernel: 7, pad: 3 })));
});

/** Chen et al. 2017, dual path: a residual sum and a dense concatenation side by side. */
export function dpn({ seed = 0 }: ZooOptions = {}): Graph {
  const b = graphBuilder('dpn', { seed });
  const growth = 8;
  let x: [Value, Value] | Value = b.convBn(b.input([3, 32, 32]), 16, { kernel: 3, pad: 1, stride: 2, name: 'stem' });
  for (const [index, stride] of [1, 1, 2, 1].entries()) {
    const residual = index < 2 ? 24 : 40;
    const all: Value = Array.isArray(x) ? b.concat(x) : x;
    let kept: [Value, Value];
    if (index % 2 === 0) {
      const projected = b.convBn(all, residual + 2 * growth, { kernel: 1, stride });
      kept = [slice(b, projected, 0, residual), slice(b, projected, residual, residual + 2 * growth)];
    } else kept = Array.isArray(x) ? x : [x, x];
    const narrow = b.convBn(all, 32, { kernel: 1 });
    const grouped = b.convBn(narrow, 32, { kernel: 3, pad: 1, stride, groups: 4 });
    const out = b.convBn(grouped, residual + growth, { kernel: 1 });
    const sum = b.add(kept[0], slice(b, out, 0, residual));
    x = [sum, b.concat([kept[1], slice(b, out, residual, residual + growth)])];
  }
  return b.build(classifier(b, Array.isArray(x) ? b.relu(b.concat(x)) : x));
}

/** Ding et al. 2021, RepVGG as it is trained: a 3×3, a 1×1 and an identity branch, each with a batch norm. */
export function repvgg({ seed = 0 }: ZooOptions = {}): Graph {
  const b = graphBuilder('repvgg', { seed });
  let x = b.input([3, 32, 32]);
  for (const [channels, stride] of [
    [16, 2],
    [24, 2],
    [24, 1],
    [40, 2],
    [40, 1],
  ] as const) {
    const branches = [
      b.convBn(x, channels, { kernel: 3, pad: 1, stride }, ''),
      b.convBn(x, channels, { kernel: 1, stride }, ''),
    ];
    const sum = branches.reduce((a, c) => b.add(a, c));
    x = b.relu(stride === 1 && x.channels === channels ? b.add(sum, b.bn(x)) : sum);
  }
  return b.build(classifier(b, x));
}

export const RESIDUAL_FAMILIES: Readonly<Record<string, (options?: ZooOptions) => Graph>> = {
  resnext,
  wideResnet,
  regnet,
  senet,
  ecanet,
  res2net,
  sknet,
  resnest,
  blurPool,
  groupNormResnet,
  cbam,
  dpn,
  repvgg,
};
