/** ConvTranspose over one or two spatial axes: the gradient of a convolution by its input, as an operator. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { intsAttribute } from '../graph/attributes.js';
import type { Dim, Node } from '../graph/graph.js';
import { groupsLeft } from './channel-groups.js';
import { convolutionCost, convolutionSpans, groupOf, kernelOf, tieGrouped } from './convolution.js';
import {
  type InferContext,
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
} from './operator.js';
import { asImage, fromImage, onImage, reach, type Window, windowOf } from './window.js';

interface Geometry {
  output: number;
  /** Elements of the whole transposed convolution that are cut at either end; negative ones are added as zeros. */
  begin: number;
  end: number;
}

/** Along one axis: ONNX ConvTranspose's output_shape, output_padding, pads and auto_pad. */
function geometry(node: Node, window: Window, axis: number, extent: number): Geometry {
  const stride = window.strides[axis] ?? 1;
  const outputPadding = intsAttribute(node, 'output_padding')?.[axis] ?? 0;
  const whole = stride * (extent - 1) + reach(window, axis);
  const asked = intsAttribute(node, 'output_shape');
  if (asked || window.autoPad.startsWith('SAME')) {
    const target = asked ? (asked[axis - window.kernel.length + asked.length] ?? 0) : extent * stride;
    const total = Math.max(0, whole + outputPadding - target);
    const begin = window.autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : total - Math.floor(total / 2);
    // SAME only ever cuts: where the windows do not reach extent · stride, ONNX Runtime leaves the output shorter.
    const output = asked ? target : whole + outputPadding - total;
    return { output, begin, end: whole - output - begin };
  }
  const explicit = window.autoPad === 'NOTSET';
  const begin = explicit ? (window.padBegin[axis] ?? 0) : 0;
  const end = (explicit ? (window.padEnd[axis] ?? 0) : 0) - outputPadding;
  return { output: whole - begin - end, begin, end };
}

function infer(context: InferContext): ValueType[] {
  const { node } = context;
  const x = required(context, 0);
  const weight = required(context, 1);
  const kernel = kernelOf(node, weight);
  const [batch = 0, channels = 0, ...spatial] = x.dims;
  const [inChannels = 0, perGroup = 0] = weight.dims;
  if (channels !== inChannels && typeof channels === 'number' && typeof inChannels === 'number')
    throw mismatch(node, `the input has ${channels} channels, the weight takes ${inChannels}.`);
  if (spatial.length !== kernel.length)
    throw mismatch(node, `an input [${x.dims}] and a weight [${weight.dims}] differ in their spatial axes.`);
  const window = windowOf(node, kernel);
  const dims = spatial.map((extent, axis): Dim => {
    if (typeof extent !== 'number') return context.unknown();
    const { output } = geometry(node, window, axis, extent);
    if (output > 0) return output;
    throw mismatch(node, `spatial axis ${axis} of extent ${extent} would come out with extent ${output}.`);
  });
  const group = groupOf(node);
  const outChannels = typeof perGroup === 'number' ? perGroup * group : context.unknown();
  return [{ dtype: x.dtype, dims: [batch, outChannels, ...dims] }];
}

/** [I, O/group, H, W] ↔ [H, W, O/group, I]; a weight over one axis gets a first one of extent 1. */
function packing(rank: number): Packing {
  return {
    pack: (tf, weight) => {
      const [i = 1, o = 1, ...kernel] = weight.shape;
      const image = kernel.length === 1 ? tf.reshape(weight, [i, o, 1, ...kernel]) : weight;
      return tf.transpose(image, [2, 3, 1, 0]);
    },
    unpack: (tf, packed) => {
      const image = tf.transpose(packed, [3, 2, 0, 1]);
      const [i = 1, o = 1, , length = 1] = image.shape;
      return rank === 3 ? tf.reshape(image, [i, o, length]) : image;
    },
  };
}

const overOneAxis = packing(3);
const overTwoAxes = packing(4);

/** A kernel [H, W, …] with `dilation − 1` zeros between its elements; TensorFlow's own dilation is for GPUs only. */
function spread(tf: Tf, weight: tfjs.Tensor4D, dilations: number[]): tfjs.Tensor4D {
  const [down = 1, across = 1] = dilations;
  if (down === 1 && across === 1) return weight;
  const [height, width, o, i] = weight.shape;
  const apart = tf.pad(tf.reshape(weight, [height, 1, width, 1, o * i]), [
    [0, 0],
    [0, down - 1],
    [0, 0],
    [0, across - 1],
    [0, 0],
  ]);
  const joined = tf.reshape(apart, [height * down, width * across, o, i]);
  return tf.slice(joined, [0, 0, 0, 0], [(height - 1) * down + 1, (width - 1) * across + 1, o, i]) as tfjs.Tensor4D;
}

/** Takes `cut` elements off each end of the two middle axes, or adds zeros where it is negative. */
function crop(tf: Tf, y: tfjs.Tensor4D, rows: Geometry, columns: Geometry): tfjs.Tensor4D {
  const ends = [rows.begin, rows.end, columns.begin, columns.end];
  const [top = 0, bottom = 0, left = 0, right = 0] = ends.map((cut) => Math.max(0, cut));
  const [batch, height, width, channels] = y.shape;
  const kept = tf.slice(y, [0, top, left, 0], [batch, height - top - bottom, width - left - right, channels]);
  if (ends.every((cut) => cut >= 0)) return kept;
  const [above = 0, below = 0, before = 0, after = 0] = ends.map((cut) => Math.max(0, -cut));
  return tf.pad(kept, [
    [0, 0],
    [above, below],
    [before, after],
    [0, 0],
  ]) as tfjs.Tensor4D;
}

function run(context: RunContext): tfjs.Tensor[] {
  const { tf, node } = context;
  const x = requiredTensor(context, 0);
  const image = asImage(tf, x);
  const own = windowOf(node, kernelOf(node, required(context, 1)));
  const window = onImage(node, own);
  const weight = spread(tf, requiredTensor(context, 1) as tfjs.Tensor4D, window.dilations);
  const group = groupOf(node);
  const strides: [number, number] = [window.strides[0] ?? 1, window.strides[1] ?? 1];
  const [batch, height, width] = image.shape;
  const size = (extent: number, axis: number) => (strides[axis] ?? 1) * (extent - 1) + (weight.shape[axis] ?? 1);
  const transposed = (part: tfjs.Tensor4D, filter: tfjs.Tensor4D) =>
    tf.conv2dTranspose(part, filter, [batch, size(height, 0), size(width, 1), filter.shape[2]], strides, 'valid');
  const filters = group === 1 ? [weight] : tf.split<tfjs.Tensor4D>(weight, group, 3);
  const parts = group === 1 ? [image] : tf.split<tfjs.Tensor4D>(image, group, 3);
  const whole = parts.map((part, index) => transposed(part, filters[index] ?? weight));
  const [first] = whole;
  const joined = first && group === 1 ? first : tf.concat<tfjs.Tensor4D>(whole, 3);
  const rows = own.kernel.length === 1 ? { output: 1, begin: 0, end: 0 } : geometry(node, own, 0, height);
  const columns = geometry(node, own, own.kernel.length - 1, width);
  const y = crop(tf, joined, rows, columns);
  const bias = context.tensors[2];
  return [fromImage(tf, bias ? tf.add(y, bias) : y, x.rank)];
}

/** As Conv, with the weight's axes exchanged; in a grouped one whole groups leave together. */
function tie(shaped: ShapedNode): Relation[] {
  const { always, inChannels, weight0, weight1, outChannels, bias } = convolutionSpans(shaped);
  const group = groupOf(shaped.node);
  if (group === 1)
    return [...always, ...tieAxes(inChannels, weight0), ...tieAxes(weight1, outChannels), ...tieAxes(weight1, bias)];
  return [...always, ...tieGrouped(shaped, group, true)];
}

export const convTranspose: Operator = {
  op: 'ConvTranspose',
  parameters: [1, 2],
  infer,
  run,
  layout: 'channelsLast',
  packing: (shaped, input) => {
    if (input !== 1) return undefined;
    return shaped.inputs[1]?.dims.length === 3 ? overOneAxis : overTwoAxes;
  },
  cost: (shaped) => convolutionCost(shaped, shaped.inputs[0]),
  tie,
  rewrite: ({ node, inputs, kept }) => {
    const group = groupOf(node);
    const channels = inputs[0]?.dims[1];
    if (group === 1 || typeof channels !== 'number') return {};
    const left = groupsLeft(kept({ value: node.inputs[0] ?? '', axis: 1 }), channels, group);
    return { attributes: { group: { type: 'int', value: left } } };
  },
};
