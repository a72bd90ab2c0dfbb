/**
 * Faithful topologies of the well-known families (as in torchvision), with a width multiplier, an input size and the
 * number of blocks of each stage left open. At width 1 and the default blocks, parameters and MACs are the published ones.
 */

import type { Graph } from '../../lib/graph/graph.js';
import { type BuilderOptions, type ConvOptions, type GraphBuilder, graphBuilder, type Value } from './builder.js';

export interface FamilyOptions {
  /** Multiplies all channel counts; default 1. */
  width?: number;
  /** Height and width of the image; default 224. */
  size?: number;
  classes?: number;
  seed?: number;
  weights?: BuilderOptions['weights'];
}

/** Channel counts at a width, at least `least`, multiples of it. */
function scale(width: number, least = 4): (channels: number) => number {
  return (channels) => (width === 1 ? channels : Math.max(least, Math.round((channels * width) / least) * least));
}

/** VGG-16 (Simonyan and Zisserman 2014), configuration D; `hidden`: width of the two dense layers. */
export function vgg16(options: FamilyOptions & { batchNorm?: boolean; hidden?: number } = {}): Graph {
  const { width = 1, size = 224, classes = 1000, seed = 0, weights = 'random', batchNorm = false } = options;
  const to = scale(width);
  const hidden = options.hidden ?? to(4096);
  const b = graphBuilder('vgg16', { seed, weights });
  let x = b.input([3, size, size]);
  let area = size;
  for (const stage of [
    [64, 64],
    [128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [512, 512, 512],
  ]) {
    for (const channels of stage) {
      const layer: ConvOptions = { kernel: 3, pad: 1 };
      x = batchNorm ? b.convBn(x, to(channels), layer) : b.relu(b.conv(x, to(channels), layer));
    }
    x = b.maxPool(x, { kernel: 2 });
    area = Math.floor(area / 2);
  }
  x = b.flatten(x, area * area);
  x = b.dropout(b.relu(b.gemm(x, hidden, { name: 'classifier.0' })));
  x = b.dropout(b.relu(b.gemm(x, hidden, { name: 'classifier.3' })));
  return b.build(b.gemm(x, classes, { name: 'classifier.6' }));
}

/** The stem of ResNet and DenseNet: 7×7 with stride 2, then a 3×3 max-pool. */
function stem(b: GraphBuilder, x: Value, channels: number): Value {
  return b.maxPool(b.convBn(x, channels, { kernel: 7, stride: 2, pad: 3, name: 'stem' }), {
    kernel: 3,
    stride: 2,
    pad: 1,
  });
}

function resnet(
  name: string,
  blocks: readonly number[],
  expansion: number,
  block: (b: GraphBuilder, x: Value, channels: number, stride: number, layer: string) => Value,
  { width = 1, size = 224, classes = 1000, seed = 0, weights = 'random' }: FamilyOptions,
): Graph {
  const to = scale(width);
  const b = graphBuilder(name, { seed, weights });
  let x = stem(b, b.input([3, size, size]), to(64));
  blocks.forEach((count, stage) => {
    const channels = to(64) * 2 ** stage;
    for (let index = 0; index < count; index++) {
      const stride = index === 0 && stage > 0 ? 2 : 1;
      const layer = `layer${stage + 1}.${index}`;
      const out = channels * expansion;
      const shortcut =
        stride !== 1 || x.channels !== out
          ? b.convBn(x, out, { kernel: 1, stride, name: `${layer}.downsample` }, '')
          : x;
      x = b.relu(b.add(block(b, x, channels, stride, layer), shortcut));
    }
  });
  return b.build(b.gemm(b.flatten(b.globalAveragePool(x)), classes, { name: 'fc' }));
}

/** ResNet-18 (He et al. 2016): basic blocks. */
export function resnet18(options: FamilyOptions & { blocks?: readonly number[] } = {}): Graph {
  const basic = (b: GraphBuilder, x: Value, channels: number, stride: number, layer: string): Value => {
    const y = b.convBn(x, channels, { kernel: 3, stride, pad: 1, name: `${layer}.conv1` });
    return b.convBn(y, channels, { kernel: 3, pad: 1, gain: 0.5, name: `${layer}.conv2` }, '');
  };
  return resnet('resnet18', options.blocks ?? [2, 2, 2, 2], 1, basic, options);
}

/** ResNet-50 (He et al. 2016), stride on the 3×3 as torchvision has it: bottleneck blocks. */
export function resnet50(options: FamilyOptions & { blocks?: readonly number[] } = {}): Graph {
  const bottleneck = (b: GraphBuilder, x: Value, channels: number, stride: number, layer: string): Value => {
    const y = b.convBn(x, channels, { kernel: 1, name: `${layer}.conv1` });
    const z = b.convBn(y, channels, { kernel: 3, stride, pad: 1, name: `${layer}.conv2` });
    return b.convBn(z, channels * 4, { kernel: 1, gain: 0.5, name: `${layer}.conv3` }, '');
  };
  return resnet('resnet50', options.blocks ?? [3, 4, 6, 3], 4, bottleneck, options);
}

/** DenseNet-121 (Huang et al. 2017): norm, activation, convolution; every layer reads all before it. */
export function densenet121(options: FamilyOptions & { blocks?: readonly number[] } = {}): Graph {
  const { width = 1, size = 224, classes = 1000, seed = 0, weights = 'random', blocks = [6, 12, 24, 16] } = options;
  const to = scale(width);
  const growth = to(32);
  const b = graphBuilder('densenet121', { seed, weights });
  let x = stem(b, b.input([3, size, size]), to(64));
  blocks.forEach((layers, block) => {
    for (let layer = 0; layer < layers; layer++) {
      const name = `denseblock${block + 1}.denselayer${layer + 1}`;
      const y = b.conv(b.relu(b.bn(x, { name: `${name}.norm1` })), 4 * growth, {
        kernel: 1,
        bias: false,
        name: `${name}.conv1`,
      });
      const z = b.conv(b.relu(b.bn(y, { name: `${name}.norm2` })), growth, {
        kernel: 3,
        pad: 1,
        bias: false,
        name: `${name}.conv2`,
      });
      x = b.concat([x, z]);
    }
    const normed = b.relu(b.bn(x, { name: block === blocks.length - 1 ? 'norm5' : `transition${block + 1}.norm` }));
    if (block === blocks.length - 1) x = normed;
    else {
      const half = b.conv(normed, Math.floor(x.channels / 2), {
        kernel: 1,
        bias: false,
        name: `transition${block + 1}.conv`,
      });
      x = b.averagePool(half, { kernel: 2 });
    }
  });
  return b.build(b.gemm(b.flatten(b.globalAveragePool(x)), classes, { name: 'classifier' }));
}

/** MobileNetV2 (Sandler et al. 2018): inverted residuals with linear bottlenecks and ReLU6. */
export function mobilenetV2(options: FamilyOptions & { repeats?: readonly number[] } = {}): Graph {
  const {
    width = 1,
    size = 224,
    classes = 1000,
    seed = 0,
    weights = 'random',
    repeats = [1, 2, 3, 4, 3, 3, 1],
  } = options;
  const to = scale(width);
  const b = graphBuilder('mobilenet_v2', { seed, weights });
  const convBnRelu6 = (x: Value, channels: number, layer: ConvOptions) => b.relu6(b.convBn(x, channels, layer, ''));
  let x = convBnRelu6(b.input([3, size, size]), to(32), { kernel: 3, stride: 2, pad: 1, name: 'features.0' });
  const stages = [
    [1, 16, 1],
    [6, 24, 2],
    [6, 32, 2],
    [6, 64, 2],
    [6, 96, 1],
    [6, 160, 2],
    [6, 320, 1],
  ] as const;
  let feature = 1;
  stages.forEach(([expansion, channels, firstStride], stage) => {
    for (let index = 0; index < (repeats[stage] ?? 1); index++) {
      const stride = index === 0 ? firstStride : 1;
      const name = `features.${feature++}`;
      const inner = x.channels * expansion;
      let y = x;
      if (expansion !== 1) y = convBnRelu6(y, inner, { kernel: 1, name: `${name}.expand` });
      y = convBnRelu6(y, inner, { kernel: 3, stride, pad: 1, groups: inner, name: `${name}.depthwise` });
      y = b.convBn(y, to(channels), { kernel: 1, name: `${name}.project` }, '');
      x = stride === 1 && x.channels === y.channels ? b.add(x, y) : y;
    }
  });
  x = convBnRelu6(x, to(1280), { kernel: 1, name: `features.${feature}` });
  return b.build(b.gemm(b.dropout(b.flatten(b.globalAveragePool(x)), 0.2), classes, { name: 'classifier.1' }));
}

/** SqueezeNet 1.1 (Iandola et al. 2016): fire modules, a convolution as classifier. */
export function squeezenet(options: FamilyOptions = {}): Graph {
  const { width = 1, size = 224, classes = 1000, seed = 0, weights = 'random' } = options;
  const to = scale(width);
  const b = graphBuilder('squeezenet1_1', { seed, weights });
  const fire = (x: Value, squeeze: number, expand: number, name: string): Value => {
    const s = b.relu(b.conv(x, to(squeeze), { kernel: 1, name: `${name}.squeeze` }));
    const one = b.relu(b.conv(s, to(expand), { kernel: 1, name: `${name}.expand1x1` }));
    const three = b.relu(b.conv(s, to(expand), { kernel: 3, pad: 1, name: `${name}.expand3x3` }));
    return b.concat([one, three]);
  };
  const pool = (x: Value) => b.maxPool(x, { kernel: 3, stride: 2, ceil: true });
  let x = pool(b.relu(b.conv(b.input([3, size, size]), to(64), { kernel: 3, stride: 2, name: 'features.0' })));
  x = pool(fire(fire(x, 16, 64, 'features.3'), 16, 64, 'features.4'));
  x = pool(fire(fire(x, 32, 128, 'features.6'), 32, 128, 'features.7'));
  x = fire(fire(x, 48, 192, 'features.9'), 48, 192, 'features.10');
  x = fire(fire(x, 64, 256, 'features.11'), 64, 256, 'features.12');
  x = b.relu(b.conv(b.dropout(x), classes, { kernel: 1, name: 'classifier.1' }));
  return b.build(b.flatten(b.globalAveragePool(x)));
}

/** EfficientNet-B0 (Tan and Le 2019): inverted residuals with squeeze-and-excitation and swish. */
export function efficientnetB0(options: FamilyOptions & { repeats?: readonly number[] } = {}): Graph {
  const {
    width = 1,
    size = 224,
    classes = 1000,
    seed = 0,
    weights = 'random',
    repeats = [1, 2, 2, 3, 3, 4, 1],
  } = options;
  const to = scale(width);
  const b = graphBuilder('efficientnet_b0', { seed, weights });
  const convBnSwish = (x: Value, channels: number, layer: ConvOptions) => b.swish(b.convBn(x, channels, layer, ''));
  let x = convBnSwish(b.input([3, size, size]), to(32), { kernel: 3, stride: 2, pad: 1, name: 'features.0' });
  const stages = [
    [1, 3, 1, 16],
    [6, 3, 2, 24],
    [6, 5, 2, 40],
    [6, 3, 2, 80],
    [6, 5, 1, 112],
    [6, 5, 2, 192],
    [6, 3, 1, 320],
  ] as const;
  stages.forEach(([expansion, kernel, firstStride, channels], stage) => {
    for (let index = 0; index < (repeats[stage] ?? 1); index++) {
      const stride = index === 0 ? firstStride : 1;
      const name = `features.${stage + 1}.${index}`;
      const inner = x.channels * expansion;
      const squeezed = Math.max(1, Math.floor(x.channels / 4));
      let y = x;
      if (expansion !== 1) y = convBnSwish(y, inner, { kernel: 1, name: `${name}.expand` });
      const pad = (kernel - 1) / 2;
      y = convBnSwish(y, inner, { kernel, stride, pad, groups: inner, name: `${name}.depthwise` });
      const reduced = b.swish(b.conv(b.globalAveragePool(y), squeezed, { kernel: 1, name: `${name}.se.reduce` }));
      y = b.mul(y, b.sigmoid(b.conv(reduced, inner, { kernel: 1, name: `${name}.se.expand` })));
      y = b.convBn(y, to(channels), { kernel: 1, name: `${name}.project` }, '');
      x = stride === 1 && x.channels === y.channels ? b.add(x, y) : y;
    }
  });
  x = convBnSwish(x, to(1280), { kernel: 1, name: 'features.8' });
  return b.build(b.gemm(b.dropout(b.flatten(b.globalAveragePool(x)), 0.2), classes, { name: 'classifier.1' }));
}

/** The families by name. */
export const FAMILIES: Readonly<Record<string, (options?: FamilyOptions) => Graph>> = {
  vgg16,
  resnet18,
  resnet50,
  densenet121,
  mobilenetV2,
  squeezenet,
  efficientnetB0,
};
