/** Depthwise convolution on the kernels of the addon: padding, strides and dilation of any kind, in one operation each. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Attribute, KernelBackend } from './kernel-backend.js';
import type { Tf } from './operator.js';
import type { Placement, Window } from './window.js';

/**
 * @param x [N, H, W, C]. @param filter [height, width, C, 1].
 * @param rows where the filter slides along the height, @param columns along the width.
 */
export function depthwiseConvolution(
  tf: Tf,
  backend: KernelBackend,
  x: tfjs.Tensor4D,
  filter: tfjs.Tensor4D,
  window: Window,
  rows: Placement,
  columns: Placement,
): tfjs.Tensor4D {
  const of = (values: readonly number[]) => [values[0] ?? 1, values[1] ?? 1];
  const sliding = [...of(window.strides), ...of(window.dilations), rows.begin, columns.begin];
  const integers = (name: string, value: unknown): Attribute => ({
    ...{ name, value },
    type: backend.binding.TF_ATTR_INT ?? 0,
  });
  const kernel = (name: string, inputs: tfjs.Tensor[], extents: number[]): tfjs.Tensor4D => {
    const attributes = [integers('sliding', sliding), integers('extents', extents)];
    return backend.executeMultipleOutputs(name, attributes, inputs, 1)[0] as tfjs.Tensor4D;
  };
  const differentiable = tf.customGrad((...args: (tfjs.Tensor | tfjs.GradSaveFunc)[]) => {
    const [image, weight, save] = args as [tfjs.Tensor4D, tfjs.Tensor4D, tfjs.GradSaveFunc];
    save([image, weight]);
    return {
      value: kernel('TascnetDepthwise', [image, weight], [rows.output, columns.output]),
      gradFunc: (dy: tfjs.Tensor, saved: tfjs.Tensor[]) => {
        const [before, used] = saved as [tfjs.Tensor4D, tfjs.Tensor4D];
        return [
          kernel('TascnetDepthwiseInputGrad', [dy, used], before.shape.slice(1, 3)),
          kernel('TascnetDepthwiseFilterGrad', [before, dy], used.shape.slice(0, 2)),
        ];
      },
    };
  });
  return differentiable(x, filter) as tfjs.Tensor4D;
}
