import type * as tfjs from '@tensorflow/tfjs-core';
import { intAttribute } from '../graph/attributes.js';
import { type Operator, required, requiredTensor, type Tf } from './operator.js';
import { poolCost, poolDims, poolWindow, resizablePool, tieBatchAndChannels } from './pool.js';
import { asImage, fromImage, onImage, place, slide, type Window } from './window.js';

/** For each window along an axis, how many of its elements count: those of the input, or of its padding too. */
function counted(window: Window, axis: number, extent: number, includePad: boolean): number[] {
  const { output, begin, declaredEnd } = place(window, axis, extent);
  const first = includePad ? -begin : 0;
  const last = includePad ? extent + declaredEnd : extent;
  return Array.from({ length: output }, (_, index) => {
    const start = index * (window.strides[axis] ?? 1) - begin;
    const positions = Array.from(
      { length: window.kernel[axis] ?? 1 },
      (_element, step) => start + step * (window.dilations[axis] ?? 1),
    );
    return positions.filter((at) => at >= first && at < last).length;
  });
}

/** Averages over whole windows, padding as zeros, then puts right the divisor of windows that reach into the padding. */
function average(tf: Tf, x: tfjs.Tensor4D, window: Window, includePad: boolean): tfjs.Tensor4D {
  const [, rowExtent, columnExtent] = x.shape;
  const [height = 1, width = 1] = window.kernel;
  // TensorFlow's own SAME leaves the padding out of the divisor, so only windows without padding are its 'valid' here.
  const whole = slide(tf, x, window, { padValue: 0, same: false, equalStrides: false }, (image, strides, pad) =>
    tf.avgPool(image, [height, width], strides, pad),
  );
  const rows = counted(window, 0, rowExtent, includePad);
  const columns = counted(window, 1, columnExtent, includePad);
  if (rows.every((count) => count === height) && columns.every((count) => count === width)) return whole;
  const factors = rows.flatMap((row) => columns.map((column) => (height * width) / (row * column)));
  return tf.mul(whole, tf.tensor4d(factors, [1, rows.length, columns.length, 1]));
}

/** AveragePool: the mean of each window; padding counts only where count_include_pad is set. */
export const averagePool: Operator = {
  op: 'AveragePool',
  passes: 'channels',
  layout: 'channelsLast',
  infer: (context) => [{ dtype: required(context, 0).dtype, dims: poolDims(context) }],
  run: (context) => {
    const { tf, node } = context;
    const x = requiredTensor(context, 0);
    const window = onImage(node, poolWindow(node));
    const y = average(tf, asImage(tf, x), window, intAttribute(node, 'count_include_pad', 0) !== 0);
    return [fromImage(tf, y, x.rank)];
  },
  cost: poolCost,
  tie: tieBatchAndChannels,
  window: resizablePool,
};
