/** Normalisers other than batch norm, attention, text and segmentation. */

import type { Graph } from '../../lib/graph/graph.js';
import { float32, int64 } from '../../lib/graph/tensor.js';
import { type GraphBuilder, graphBuilder, type Value } from './builder.js';
import {
  classifier,
  depthwise,
  gelu,
  layerNorm,
  linear,
  plusConstant,
  reduce,
  split,
  squeezeExcite,
  timesConstant,
  transpose,
  view,
  type ZooOptions,
} from './pieces.js';

const LAST = [0, 2, 3, 1];
const FIRST = [0, 3, 1, 2];

function layerNorm2d(b: GraphBuilder, x: Value): Value {
  return transpose(b, layerNorm(b, transpose(b, x, LAST)), FIRST);
}

/** Woo et al. 2023, global response normalisation of a channels-last value. */
function responseNorm(b: GraphBuilder, x: Value): Value {
  const norm = reduce(b, 'ReduceL2', x, [1, 2]);
  const share = b.node('Div', [norm, plusConstant(b, reduce(b, 'ReduceMean', norm, [-1]), 1e-6)]);
  const scaled = b.node('Mul', [b.parameter('grn.weight', [x.channels], { deviation: 0.5 }), b.mul(x, share)]);
  return b.add(x, b.node('Add', [b.parameter('grn.bias', [x.channels]), scaled], {}, { channels: x.channels }));
}

function convnextOf(name: string, second: boolean) {
  return ({ seed = 0 }: ZooOptions = {}): Graph => {
    const b = graphBuilder(name, { seed });
    let x = layerNorm2d(b, b.conv(b.input([3, 32, 32]), 16, { kernel: 4, stride: 4, name: 'stem' }));
    for (const [index, channels] of [16, 24, 24].entries()) {
      if (channels !== x.channels) x = b.conv(layerNorm2d(b, x), channels, { kernel: 2, stride: 2 });
      const mixed = depthwise(b, x, { kernel: 7, pad: 3, name: `block${index}.conv_dw` });
      const hidden = gelu(b, linear(b, layerNorm(b, transpose(b, mixed, LAST)), 4 * channels));
      const out = linear(b, second ? responseNorm(b, hidden) : hidden, channels);
      const gamma = b.parameter('gamma', [channels], { mean: 0.5 });
      x = b.add(transpose(b, second ? out : b.node('Mul', [out, gamma]), FIRST), x);
    }
    const pooled = layerNorm(b, b.flatten(b.globalAveragePool(x)));
    return b.build(b.gemm(pooled, 7, { name: 'head.fc' }));
  };
}

/** Liu et al. 2022. */
export const convnext = convnextOf('convnext', false);
export const convnextV2 = convnextOf('convnext_v2', true);

/** Brock et al. 2021: no normalisation but that of the weights, which the graph computes. */
export function nfnet({ seed = 0 }: ZooOptions = {}): Graph {
  const b = graphBuilder('nfnet', { seed });
  const conv = (x: Value, channels: number, kernel: number, { stride = 1, groups = 1 } = {}): Value => {
    const fan = (x.channels / groups) * kernel * kernel;
    const raw = b.parameter('ws.weight', [1, channels, fan], { deviation: 0.5 });
    const gain = b.parameter('ws.gain', [channels], { mean: 1.7 / Math.sqrt(fan), deviation: 0.02 });
    const zeros = b.constant('ws.zeros', float32([channels], new Float32Array(channels)));
    const mean = reduce(b, 'ReduceMean', { name: raw, channels }, [0, 2], 0);
    const centred = b.node('Sub', [raw, reduce(b, 'ReduceMean', { name: raw, channels }, [0, 2])]);
    const variance = reduce(b, 'ReduceMean', b.node('Mul', [centred, centred]), [0, 2], 0);
    const [normal] = b.nodes(
      'BatchNormalization',
      [raw, gain, zeros, mean, variance],
      { epsilon: 1e-5, momentum: 0.9, training_mode: 1 },
      [channels, channels, channels],
    );
    const shape = b.constant('ws.shape', int64([4], [channels, x.channels / groups, kernel, kernel]));
    const weight = b.node('Reshape', [normal ?? raw, shape], { allowzero: 0 });
    const pad = (kernel - 1) / 2;
    const attributes = {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group: groups,
    };
    return b.node('Conv', [x, weight, b.parameter('ws.bias', [channels])], attributes, { channels });
  };
  const act = (x: Value) => timesConstant(b, b.swish(x), 1.7881293);
  let x = conv(b.input([3, 32, 32]), 16, 3, { stride: 2 });
  for (const [channels, stride] of [
    [24, 2],
    [24, 1],
    [32, 2],
  ] as const) {
    const y = timesConstant(b, act(x), 0.9);
    const pooled = stride > 1 ? b.averagePool(y, { kernel: 2 }) : y;
    const short = channels === x.channels ? x : conv(pooled, channels, 1);
    const middle = conv(act(conv(act(conv(y, 16, 1)), 16, 3, { stride, groups: 2 })), channels, 1);
    const scaled = timesConstant(b, timesConstant(b, squeezeExcite(b, middle, 8), 2), 0.2);
    x = b.add(b.node('Mul', [scaled, b.parameter('skipinit', [], { mean: 1 })]), short);
  }
  return b.build(classifier(b, act(conv(x, 48, 1))));
}

/** An attention layer over `tokens` [N, T, C]. `fused`: one projection for queries, keys and values. */
function attention(b: GraphBuilder, x: Value, heads: number, tokens: number, fused: boolean): Value {
  const c = x.channels;
  const d = c / heads;
  let parts: Value[];
  if (fused) {
    const five = view(b, linear(b, x, 3 * c), [tokens, 3, heads, d], c);
    const moved = transpose(b, five, [2, 0, 3, 1, 4]);
    parts = [0, 1, 2].map((index) => b.node('Gather', [moved, b.constant('which', int64([], [index]))], { axis: 0 }));
  } else parts = [0, 1, 2].map(() => transpose(b, view(b, linear(b, x, c), [tokens, heads, d], c), [0, 2, 1, 3]));
  const [q = x, k = x, v = x] = parts;
  const scores = b.node('MatMul', [timesConstant(b, q, d ** -0.5), transpose(b, k, [0, 1, 3, 2])]);
  const mixed = b.node('MatMul', [b.node('Softmax', [scores], { axis: -1 }), v], {}, { channels: c });
  return linear(b, view(b, transpose(b, mixed, [0, 2, 1, 3]), [tokens, c], c), c);
}

function hybridOf(name: string, fused: boolean) {
  return ({ seed = 0 }: ZooOptions = {}): Graph => {
    const b = graphBuilder(name, { seed });
    let x = b.convBn(b.input([3, 32, 32]), 16, { kernel: 3, stride: 2, pad: 1, name: 'stem' });
    x = b.convBn(b.convBn(x, 32, { kernel: 3, stride: 2, pad: 1 }), 32, { kernel: 3, stride: 2, pad: 1 }, '');
    let tokens = transpose(b, view(b, x, [32, 16], 32), [0, 2, 1]);
    for (let layer = 0; layer < 2; layer++) {
      tokens = b.add(tokens, attention(b, layerNorm(b, tokens), 4, 16, fused));
      tokens = b.add(tokens, linear(b, gelu(b, linear(b, layerNorm(b, tokens), 64)), 32));
    }
    x = view(b, transpose(b, tokens, [0, 2, 1]), [32, 4, 4], 32);
    return b.build(classifier(b, b.convBn(x, 48, { kernel: 3, pad: 1 })));
  };
}

/** Convolutions, then attention over positions, then convolutions (CoAtNet, MobileViT; Dai et al. 2021). */
export const hybrid = hybridOf('hybrid', false);
export const hybridFused = hybridOf('hybrid_fused', true);

/** MobileViTv2's separable attention (Mehta and Rastegari 2022) over all positions, normalised as one group. */
export function separableAttention({ seed = 0 }: ZooOptions = {}): Graph {
  const b = graphBuilder('separable_attention', { seed });
  let x = b.convBn(b.input([3, 32, 32]), 24, { kernel: 3, stride: 4, pad: 1, name: 'stem' });
  for (let layer = 0; layer < 2; layer++) {
    const ones = b.constant('ones', float32([1], [1]));
    const zeros = b.constant('zeros', float32([1], [0]));
    const flat = b.reshape(x, [0, 1, -1], 24);
    const normal = b.reshape(
      b.node('InstanceNormalization', [flat, ones, zeros], { epsilon: 1e-5 }),
      [0, 24, 8, 8],
      24,
    );
    const scaled = b.node('Mul', [normal, b.parameter('norm.weight', [24, 1, 1], { mean: 1 })]);
    const [query = x, key = x, value = x] = split(b, b.conv(scaled, 49, { kernel: 1 }), [1, 24, 24]);
    const scores = b.node('Softmax', [b.reshape(query, [0, 1, 64], 1)], { axis: -1 });
    const context = reduce(b, 'ReduceSum', b.mul(b.reshape(key, [0, 24, 64], 24), scores), [-1]);
    const mixed = b.mul(b.relu(b.reshape(value, [0, 24, 64], 24)), context);
    x = b.add(x, b.conv(b.reshape(mixed, [0, 24, 8, 8], 24), 24, { kernel: 1 }));
  }
  return b.build(classifier(b, b.convBn(x, 48, { kernel: 3, pad: 1 })));
}

/** Kim 2014: convolutions of several widths over embedded words, the maximum over time of each filter. */
export function textCnn({ seed = 0 }: ZooOptions = {}, tokens = 20): Graph {
  const b = graphBuilder('text_cnn', { seed });
  const words = b.input([tokens], { name: 'tokens', dtype: 'int64' });
  const table = b.parameter('embedding.weight', [16, 24], { deviation: 1 });
  const embedded = transpose(b, b.node('Gather', [table, words], { axis: 0 }, { channels: 24 }), [0, 2, 1]);
  const features = [3, 4, 5].map((width) => {
    const weight = b.parameter(`conv${width}.weight`, [16, 24, width], { deviation: Math.sqrt(2 / (24 * width)) });
    const attributes = { kernel_shape: [width], strides: [1], pads: [0, 0], dilations: [1], group: 1 };
    const y = b.relu(b.node('Conv', [embedded, weight, b.parameter('bias', [16])], attributes, { channels: 16 }));
    const length = tokens + 1 - width;
    const pool = { kernel_shape: [length], strides: [length], pads: [0, 0], ceil_mode: 0 };
    return width === 5
      ? reduce(b, 'ReduceMax', y, [2], 0)
      : b.node('Squeeze', [b.node('MaxPool', [y], pool), b.constant('last', int64([1], [2]))]);
  });
  return b.build(b.gemm(b.dropout(b.concat(features)), 3, { name: 'fc' }));
}

/** Ronneberger et al. 2015: down, up by transposed convolutions, and across. */
export function unet({ seed = 0 }: ZooOptions = {}): Graph {
  const b = graphBuilder('unet', { seed });
  const twice = (x: Value, channels: number) =>
    b.convBn(b.convBn(x, channels, { kernel: 3, pad: 1 }), channels, { kernel: 3, pad: 1 });
  const up = (x: Value, channels: number) => {
    const weight = b.parameter('up.weight', [x.channels, channels, 2, 2], { deviation: Math.sqrt(1 / x.channels) });
    const attributes = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 };
    return b.node('ConvTranspose', [x, weight, b.parameter('up.bias', [channels])], attributes, { channels });
  };
  const across: Value[] = [];
  let x = b.input([3, 16, 16]);
  for (const channels of [8, 16]) {
    x = twice(x, channels);
    across.push(x);
    x = b.maxPool(x, { kernel: 2 });
  }
  x = twice(x, 32);
  for (const skip of across.reverse()) x = twice(b.concat([skip, up(x, skip.channels)]), skip.channels);
  return b.build(b.conv(x, 4, { kernel: 1, name: 'outc' }));
}

export const MODERN_FAMILIES: Readonly<Record<string, (options?: ZooOptions) => Graph>> = {
  convnext,
  convnextV2,
  nfnet,
  hybrid,
  hybridFused,
  separableAttention,
  textCnn,
  unet,
};
