/** What GatherND and ScatterND share: slices of a tensor whose first axes are named by rows of an index tensor. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { mismatch, required, type ShapedNode, type Tf } from './operator.js';

/** How many axes of input 0, from axis `first` on, a row of input 1 names. */
export function indexedAxes(context: Pick<ShapedNode, 'node' | 'inputs'>, first = 0): number {
  const [data, indices] = [required(context, 0), required(context, 1)];
  const count = indices.dims.at(-1);
  if (typeof count !== 'number' || count < 1 || first + count > data.dims.length)
    throw mismatch(context.node, `indices [${indices.dims}] do not name places in [${data.dims}].`);
  return count;
}

/** The number of the slice that a row of indices names, with negative ones counted from the end. */
export function placeOf(context: Pick<ShapedNode, 'node'>, row: readonly number[], dims: readonly number[]): number {
  return row.reduce((offset, index, axis) => {
    const extent = dims[axis] ?? 0;
    if (index < -extent || index >= extent)
      throw mismatch(context.node, `index ${index} is outside an axis of extent ${extent}.`);
    return offset * extent + (index < 0 ? index + extent : index);
  }, 0);
}

/** The indices as int32, counted from the front. @param extents of the axes that they name. */
export function fromTheFront(tf: Tf, indices: tfjs.Tensor, extents: number[]): tfjs.Tensor {
  const asked = tf.cast(indices, 'int32');
  return tf.where(tf.less(asked, 0), tf.add(asked, tf.tensor1d(extents, 'int32')), asked);
}

/** Zeros with `slices` at `indices`, those at one place added up. Differentiable, which tfjs's own is not. */
export function scatterSlices(tf: Tf, indices: tfjs.Tensor, slices: tfjs.Tensor, shape: number[]): tfjs.Tensor {
  const rows = rowsOf(tf, indices);
  const values = tf.reshape(slices, [rows.shape[0] ?? 0, ...shape.slice(rows.shape[1])]);
  if (slices.dtype !== 'float32') return tf.scatterND(rows, values, shape);
  return withIndices(
    tf,
    values,
    rows,
    (from, at) => tf.scatterND(at, from, shape),
    (dy, at) => tf.gatherND(dy, at),
  );
}

/** The slices of `x` at `indices`. Differentiable, which tfjs's own is not. */
export function gatherSlices(tf: Tf, x: tfjs.Tensor, indices: tfjs.Tensor): tfjs.Tensor {
  const rows = rowsOf(tf, indices);
  const slices =
    x.dtype === 'float32'
      ? withIndices(
          tf,
          x,
          rows,
          (from, at) => tf.gatherND(from, at),
          (dy, at) => tf.scatterND(at, dy, x.shape),
        )
      : tf.gatherND(x, rows);
  return tf.reshape(slices, [...indices.shape.slice(0, -1), ...x.shape.slice(rows.shape[1])]);
}

/** tfjs takes a single row for a column. */
function rowsOf(tf: Tf, indices: tfjs.Tensor): tfjs.Tensor {
  return tf.reshape(indices, [-1, indices.shape.at(-1) ?? 1]);
}

type Step = (values: tfjs.Tensor, indices: tfjs.Tensor) => tfjs.Tensor;

function withIndices(tf: Tf, x: tfjs.Tensor, indices: tfjs.Tensor, forward: Step, backward: Step): tfjs.Tensor {
  const apply = tf.customGrad((...inputs) => {
    const [values, at, save] = inputs as [tfjs.Tensor, tfjs.Tensor, (tensors: tfjs.Tensor[]) => void];
    save([at]);
    return {
      value: forward(values, at),
      gradFunc: (dy, saved) => {
        const [same] = saved as [tfjs.Tensor];
        return [backward(dy, same), tf.zerosLike(same)];
      },
    };
  });
  return apply(x, indices);
}
