/**
 * Windows that slide over the spatial axes of convolutions and pools: where they stand (ONNX Conv, MaxPool and
 * AveragePool: strides, dilations, pads, auto_pad, ceil_mode) and how the engine slides them.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import { intAttribute, intsAttribute, stringAttribute } from '../graph/attributes.js';
import type { Dim, Node } from '../graph/graph.js';
import { type InferContext, mismatch, type Relation, type ShapedNode, type Tf } from './operator.js';

export interface Window {
  kernel: number[];
  strides: number[];
  dilations: number[];
  autoPad: string;
  /** Read only where `autoPad` is NOTSET. */
  padBegin: number[];
  padEnd: number[];
  ceilMode: boolean;
}

/** Where the windows stand along one axis of a known extent. */
export interface Placement {
  /** Number of windows. */
  output: number;
  /** Padding before the axis, and as much behind it as the last window reaches. */
  begin: number;
  end: number;
  /** Padding behind the axis that the node asks for, reached or not. */
  declaredEnd: number;
}

/** The window of a node with this kernel. @throws TascnetError when an attribute contradicts the kernel's rank. */
export function windowOf(node: Node, kernel: number[]): Window {
  const rank = kernel.length;
  const list = (name: string, fallback: number, length: number, least: number): number[] => {
    const values = intsAttribute(node, name);
    if (!values || values.length === 0) return new Array<number>(length).fill(fallback);
    if (values.length !== length || values.some((value) => value < least))
      throw mismatch(node, `${name} [${values}] should be ${length} numbers of at least ${least}.`);
    return values;
  };
  const pads = list('pads', 0, 2 * rank, 0);
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (!['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(autoPad))
    throw mismatch(node, `auto_pad "${autoPad}" is not one of NOTSET, VALID, SAME_UPPER and SAME_LOWER.`);
  return {
    kernel,
    strides: list('strides', 1, rank, 1),
    dilations: list('dilations', 1, rank, 1),
    autoPad,
    padBegin: pads.slice(0, rank),
    padEnd: pads.slice(rank),
    ceilMode: intAttribute(node, 'ceil_mode', 0) !== 0,
  };
}

/** The extent that a kernel of `axis` covers, its gaps included. */
export function reach(window: Window, axis: number): number {
  return ((window.kernel[axis] ?? 1) - 1) * (window.dilations[axis] ?? 1) + 1;
}

/** Places the windows along spatial axis `axis`, whose extent is `extent`. */
export function place(window: Window, axis: number, extent: number): Placement {
  const stride = window.strides[axis] ?? 1;
  const covered = reach(window, axis);
  const behind = (output: number, begin: number) => Math.max(0, (output - 1) * stride + covered - extent - begin);
  if (window.autoPad === 'SAME_UPPER' || window.autoPad === 'SAME_LOWER') {
    const output = Math.ceil(extent / stride);
    const total = behind(output, 0);
    const begin = window.autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
    return { output, begin, end: total - begin, declaredEnd: total - begin };
  }
  const explicit = window.autoPad === 'NOTSET';
  const begin = explicit ? (window.padBegin[axis] ?? 0) : 0;
  const declaredEnd = explicit ? (window.padEnd[axis] ?? 0) : 0;
  const steps = (extent + begin + declaredEnd - covered) / stride;
  let output = (window.ceilMode ? Math.ceil(steps) : Math.floor(steps)) + 1;
  // A window that would start in the padding behind the axis does not count (as in PyTorch and ONNX Runtime).
  if (window.ceilMode && (output - 1) * stride >= extent + begin) output--;
  return { output, begin, end: behind(output, begin), declaredEnd };
}

/** The output extents over `spatial`. @throws TascnetError when a window does not fit. */
export function windowDims(context: InferContext, window: Window, spatial: readonly Dim[]): Dim[] {
  return spatial.map((extent, axis) => {
    if (typeof extent === 'number') {
      const { output } = place(window, axis, extent);
      if (output > 0) return output;
      throw mismatch(
        context.node,
        `a window of ${reach(window, axis)} does not fit into spatial axis ${axis} of extent ${extent} with its padding.`,
      );
    }
    const same = window.autoPad.startsWith('SAME');
    const padding = window.autoPad === 'NOTSET' ? (window.padBegin[axis] ?? 0) + (window.padEnd[axis] ?? 0) : 0;
    const unchanged = window.strides[axis] === 1 && (same || padding === reach(window, axis) - 1);
    return unchanged ? extent : context.unknown();
  });
}

/**
 * Pins the axes from 2 on of the first input and output (and of `also`): positions cannot leave, since every output
 * position is made, from neighbours or from all of them.
 */
export function pinSpatial({ node, inputs, outputs }: ShapedNode, also: readonly number[] = []): Relation[] {
  const reason = `${node.op} works on whole spatial axes`;
  const pins: Relation[] = [];
  const pin = (value: string | undefined, rank = 0) => {
    if (value) for (let axis = 2; axis < rank; axis++) pins.push({ kind: 'pin', at: { value, axis }, reason });
  };
  for (const input of [0, ...also]) pin(node.inputs[input], inputs[input]?.dims.length);
  pin(node.outputs[0], outputs[0]?.dims.length);
  return pins;
}

/** A window over one spatial axis as one over two, the first of extent 1; a window over two axes stays. */
export function onImage(node: Node, window: Window): Window {
  if (window.kernel.length === 2) return window;
  if (window.kernel.length !== 1)
    throw mismatch(node, `${window.kernel.length} spatial axes cannot be run by the engine, which knows one and two.`);
  const before = (value: number, list: number[]) => [value, ...list];
  return {
    ...window,
    kernel: before(1, window.kernel),
    // One stride for both axes, because TensorFlow's depthwise kernel knows no other; with an extent of 1 it is free.
    strides: before(window.strides[0] ?? 1, window.strides),
    dilations: before(1, window.dilations),
    padBegin: before(0, window.padBegin),
    padEnd: before(0, window.padEnd),
  };
}

/** [N, L, C] as [N, 1, L, C]; four axes stay. */
export function asImage(tf: Tf, x: tfjs.Tensor): tfjs.Tensor4D {
  const [batch = 1, length = 1, channels = 1] = x.shape;
  return x.rank === 3 ? tf.reshape(x, [batch, 1, length, channels]) : (x as tfjs.Tensor4D);
}

/** What `asImage` made, back in `rank` axes. */
export function fromImage(tf: Tf, y: tfjs.Tensor, rank: number): tfjs.Tensor {
  const [batch = 1, , length = 1, channels = 1] = y.shape;
  return rank === 3 ? tf.reshape(y, [batch, length, channels]) : y;
}

export interface Slide {
  /** What stands in the padding: 0, or −∞ for a maximum. */
  padValue: number;
  /** Whether `f` takes 'same' as TensorFlow understands it. */
  same: boolean;
  /** Whether `f` needs one stride for both axes. */
  equalStrides: boolean;
}

type Windowed = (x: tfjs.Tensor4D, strides: [number, number], pad: 'same' | 'valid') => tfjs.Tensor4D;

/**
 * Slides `window`, of two axes, over `x` [N, H, W, C]. `f` is an undilated convolution or pool of the engine. Dilation
 * goes through space-to-batch (Chen et al., DeepLab, arXiv 1606.00915), since tfjs has no gradient of it.
 */
export function slide(tf: Tf, x: tfjs.Tensor4D, window: Window, options: Slide, f: Windowed): tfjs.Tensor4D {
  const extents: [number, number] = [x.shape[1], x.shape[2]];
  const [rows, columns] = [place(window, 0, extents[0]), place(window, 1, extents[1])];
  const strides: [number, number] = [window.strides[0] ?? 1, window.strides[1] ?? 1];
  const dilations: [number, number] = [window.dilations[0] ?? 1, window.dilations[1] ?? 1];
  const padded = (extraRows: number, extraColumns: number) => {
    const [bottom, right] = [rows.end + extraRows, columns.end + extraColumns];
    if (rows.begin === 0 && bottom === 0 && columns.begin === 0 && right === 0) return x;
    return tf.pad(
      x,
      [
        [0, 0],
        [rows.begin, bottom],
        [columns.begin, right],
        [0, 0],
      ],
      options.padValue,
    ) as tfjs.Tensor4D;
  };
  const dilated = dilations[0] > 1 || dilations[1] > 1;
  if (!dilated && !(options.equalStrides && strides[0] !== strides[1])) {
    const same = options.same && isSame(rows, extents[0], window, 0) && isSame(columns, extents[1], window, 1);
    return same && rows.begin + rows.end + columns.begin + columns.end > 0
      ? f(x, strides, 'same')
      : f(padded(0, 0), strides, 'valid');
  }
  const height = extents[0] + rows.begin + rows.end;
  const width = extents[1] + columns.begin + columns.end;
  const missing = [-height, -width].map((negative, axis) => modulo(negative, dilations[axis] ?? 1));
  const whole = padded(missing[0] ?? 0, missing[1] ?? 0);
  const none = [
    [0, 0],
    [0, 0],
  ];
  const dense = dilated
    ? tf.batchToSpaceND(f(tf.spaceToBatchND(whole, dilations, none), [1, 1], 'valid'), dilations, none)
    : f(whole, [1, 1], 'valid');
  return everyNth(tf, everyNth(tf, dense, 1, strides[0], rows.output), 2, strides[1], columns.output) as tfjs.Tensor4D;
}

function modulo(a: number, b: number): number {
  return ((a % b) + b) % b;
}

/** Whether the placement is the one that TensorFlow calls SAME. */
function isSame({ output, begin, end }: Placement, extent: number, window: Window, axis: number): boolean {
  const stride = window.strides[axis] ?? 1;
  const total = Math.max(0, (output - 1) * stride + reach(window, axis) - extent);
  return output === Math.ceil(extent / stride) && begin === Math.floor(total / 2) && begin + end === total;
}

/** Elements 0, step, 2·step, … of an axis, `count` of them. (tfjs has no gradient of a strided slice.) */
function everyNth(tf: Tf, x: tfjs.Tensor, axis: number, step: number, count: number): tfjs.Tensor {
  const extent = x.shape[axis] ?? 0;
  const sizes = (size: number) => x.shape.map((whole, at) => (at === axis ? size : whole));
  const origin = x.shape.map(() => 0);
  if (step === 1) return extent === count ? x : tf.slice(x, origin, sizes(count));
  const needed = count * step;
  const cut = extent > needed ? tf.slice(x, origin, sizes(needed)) : x;
  const filled =
    extent < needed
      ? tf.pad(
          cut,
          x.shape.map((_, at): [number, number] => [0, at === axis ? needed - extent : 0]),
        )
      : cut;
  const blocks = tf.reshape(
    filled,
    x.shape.flatMap((whole, at) => (at === axis ? [count, step] : [whole])),
  );
  const first = tf.slice(
    blocks,
    blocks.shape.map(() => 0),
    blocks.shape.map((size, at) => (at === axis + 1 ? 1 : size)),
  );
  return tf.reshape(first, sizes(count));
}
