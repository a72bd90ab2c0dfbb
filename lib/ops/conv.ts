/** Conv over one or two spatial axes: dense, grouped and depthwise. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { convolutionCost, convolutionSpans, groupOf, kernelOf, tieGrouped } from './convolution.js';
import { denseConvolution } from './dense-convolution.js';
import { depthwiseConvolution } from './depthwise.js';
import { ownKernels } from './kernel-backend.js';
import {
  type InferContext,
  type LinearLayer,
  mismatch,
  type Operator,
  type Packing,
  type Relation,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
  type Tf,
  tieAxes,
  type ValueType,
  wholeAxis,
} from './operator.js';
import { slidingWindow } from './resized-window.js';
import { asImage, fromImage, onImage, place, slide, type Window, windowDims, windowOf } from './window.js';

function infer(context: InferContext): ValueType[] {
  const { node } = context;
  const x = required(context, 0);
  const weight = required(context, 1);
  const group = groupOf(node);
  const kernel = kernelOf(node, weight);
  const [outChannels = 0, perGroup = 0] = weight.dims;
  const [batch = 0, channels = 0, ...spatial] = x.dims;
  if (spatial.length !== kernel.length)
    throw mismatch(node, `an input [${x.dims}] and a weight [${weight.dims}] differ in their spatial axes.`);
  if (typeof channels === 'number' && typeof perGroup === 'number' && channels !== perGroup * group)
    throw mismatch(node, `the input has ${channels} channels, the weight takes ${perGroup} in ${group} group(s).`);
  if (group < 1 || (typeof outChannels === 'number' && outChannels % group !== 0))
    throw mismatch(node, `${outChannels} output channels cannot be cut into ${group} groups.`);
  const bias = context.inputs[2];
  if (bias && (bias.dims.length !== 1 || bias.dims[0] !== outChannels))
    throw mismatch(node, `the bias has shape [${bias.dims}]; [${outChannels}] was expected.`);
  return [{ dtype: x.dtype, dims: [batch, outChannels, ...windowDims(context, windowOf(node, kernel), spatial)] }];
}

/** Each input channel has filters of its own. */
function isDepthwise({ node, inputs }: ShapedNode): boolean {
  return groupOf(node) > 1 && inputs[1]?.dims[1] === 1;
}

/** OIHW ↔ HWIO; a weight over one axis gets a first one of extent 1. */
const dense: Packing = {
  pack: (tf, weight) => {
    const [o = 1, i = 1, ...kernel] = weight.shape;
    return tf.transpose(tf.reshape(weight, [o, i, ...twoAxes(kernel)]), [2, 3, 1, 0]);
  },
  unpack: (tf, packed) => tf.transpose(packed, [3, 2, 0, 1]),
};

function twoAxes(kernel: number[]): number[] {
  return kernel.length === 1 ? [1, ...kernel] : kernel;
}

/** [C·m, 1, H, W] ↔ [H, W, C, m]. */
function depthwise(channels: number): Packing {
  return {
    pack: (tf, weight) => {
      const [o = 1, , ...kernel] = weight.shape;
      return tf.transpose(tf.reshape(weight, [channels, o / channels, ...twoAxes(kernel)]), [2, 3, 0, 1]);
    },
    unpack: (tf, packed) => {
      const [height = 1, width = 1, c = 1, multiplier = 1] = packed.shape;
      return tf.reshape(tf.transpose(packed, [2, 3, 0, 1]), [c * multiplier, 1, height, width]);
    },
  };
}

const packings = new Map<string, Packing>();

/** The packing of a weight of `rank` axes: the same object for the same order, so that shared weights stay shared. */
function packingOf(rank: number, depthwiseChannels: number): Packing {
  const key = `${rank} ${depthwiseChannels}`;
  const known = packings.get(key);
  if (known) return known;
  const image = depthwiseChannels > 0 ? depthwise(depthwiseChannels) : dense;
  const packing: Packing = {
    pack: image.pack,
    unpack: (tf, packed) => {
      const weight = image.unpack(tf, packed);
      const [o = 1, i = 1, , length = 1] = weight.shape;
      return rank === 3 ? tf.reshape(weight, [o, i, length]) : weight;
    },
  };
  packings.set(key, packing);
  return packing;
}

function convolve(
  tf: Tf,
  x: tfjs.Tensor4D,
  weight: tfjs.Tensor4D,
  window: Window,
  group: number,
  depthwiseWeight: boolean,
): tfjs.Tensor4D {
  const own = depthwiseWeight && weight.shape[3] === 1 && x.size > 0 ? ownKernels(tf) : undefined;
  if (own) {
    const [rows, columns] = [place(window, 0, x.shape[1]), place(window, 1, x.shape[2])];
    if (rows.begin >= 0 && columns.begin >= 0) return depthwiseConvolution(tf, own, x, weight, window, rows, columns);
  }
  const options = { padValue: 0, same: true, equalStrides: depthwiseWeight };
  return slide(tf, x, window, options, (image, strides, pad) => {
    if (depthwiseWeight) return tf.depthwiseConv2d(image, weight, strides, pad);
    if (group === 1) return denseConvolution(tf, image, weight, strides, pad);
    const filters = tf.split<tfjs.Tensor4D>(weight, group, 3);
    const parts = tf.split<tfjs.Tensor4D>(image, group, 3).map((part, index) => {
      const filter = filters[index];
      return filter ? denseConvolution(tf, part, filter, strides, pad) : part;
    });
    return tf.concat<tfjs.Tensor4D>(parts, 3);
  });
}

function run(context: RunContext): tfjs.Tensor[] {
  const { tf, node } = context;
  const x = requiredTensor(context, 0);
  const weight = requiredTensor(context, 1) as tfjs.Tensor4D;
  const window = onImage(node, windowOf(node, kernelOf(node, required(context, 1))));
  const y = convolve(tf, asImage(tf, x), weight, window, groupOf(node), isDepthwise(context));
  const bias = context.tensors[2];
  return [fromImage(tf, bias ? tf.add(y, bias) : y, x.rank)];
}

/**
 * Dense: the input channels with the weight's axis 1, the filters with the output channels and the bias. Grouped: see
 * `tieGrouped`.
 */
function tie(shaped: ShapedNode): Relation[] {
  const { always, weight0, weight1, inChannels, outChannels, bias } = convolutionSpans(shaped);
  const groups = groupOf(shaped.node);
  if (groups > 1) return [...always, ...tieGrouped(shaped, groups)];
  return [
    ...(alongChannels(shaped) ?? always),
    ...tieAxes(inChannels, weight1),
    ...tieAxes(weight0, outChannels),
    ...tieAxes(weight0, bias),
  ];
}

/**
 * A convolution of one channel into one that leaves the extents as they are slides over an axis of features (the
 * channels' neighbours in ECA-Net; Wang et al. 2020): what is left of them are each other's neighbours.
 */
function alongChannels({ node, inputs, outputs }: ShapedNode): Relation[] | undefined {
  const [x, weight] = inputs;
  const y = outputs[0];
  if (!x || !y || !weight || weight.dims[0] !== 1 || weight.dims[1] !== 1) return undefined;
  if (x.dims.join() !== y.dims.join() || x.dims.slice(2).filter((extent) => extent !== 1).length !== 1)
    return undefined;
  const { strides } = windowOf(node, kernelOf(node, weight));
  if (strides.some((stride, axis) => stride !== 1 && x.dims[axis + 2] !== 1)) return undefined;
  const [from = ''] = node.inputs;
  const [to = ''] = node.outputs;
  return x.dims.flatMap((_, axis) => tieAxes(wholeAxis(from, x, axis), wholeAxis(to, y, axis)));
}

/** Only where every extent is known, so that `auto_pad` can be told. */
function linear({ node, inputs }: ShapedNode): LinearLayer | undefined {
  const [x, weight, bias] = inputs;
  const spatial = x?.dims.slice(2).filter((extent) => typeof extent === 'number') ?? [];
  if (!weight || spatial.length !== 2 || groupOf(node) !== 1) return undefined;
  const window = windowOf(node, kernelOf(node, weight));
  const pair = (values: number[]): [number, number] => [values[0] ?? 1, values[1] ?? 1];
  const { kernel, strides, dilations } = window;
  return {
    weight: 1,
    bias: bias ? 2 : undefined,
    inputAxis: 1,
    kernel: pair(kernel),
    strides: pair(strides),
    dilations: pair(dilations),
    pads: pair(spatial.map((extent, axis) => place(window, axis, extent).begin)),
  };
}

export const conv: Operator = {
  op: 'Conv',
  parameters: [1, 2],
  infer,
  run,
  layout: 'channelsLast',
  packing: (shaped, input) => {
    const weight = shaped.inputs[1];
    if (input !== 1 || !weight || weight.dims.length > 4) return undefined;
    return packingOf(weight.dims.length, isDepthwise(shaped) ? groupOf(shaped.node) : 0);
  },
  cost: (shaped) => convolutionCost(shaped, shaped.outputs[0]),
  tie,
  linear,
  window: ({ node, inputs: [x, weight] }) =>
    x &&
    weight &&
    slidingWindow({ window: windowOf(node, kernelOf(node, weight)), spatial: x.dims.slice(2), weight: 1 }),
  rewrite: ({ node, extent }) => {
    const [x = '', weight = ''] = node.inputs;
    const channels = extent({ value: x, axis: 1 });
    const perGroup = extent({ value: weight, axis: 1 });
    if (groupOf(node) === 1 || typeof channels !== 'number' || typeof perGroup !== 'number') return {};
    return { attributes: { group: { type: 'int', value: channels / perGroup } } };
  },
};
