/**
 * Relu and Relu6 whose gradient is one TensorFlow kernel. The composition in tfjs (a step function with its NaN check,
 * comparisons, a product) takes a third of a MobileNet's training step; it serves on every other backend.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import { floatType, kernelBackend } from './kernel-backend.js';
import type { Tf } from './operator.js';

/** max(x, 0); `x` is float32. */
export function rectify(tf: Tf, x: tfjs.Tensor): tfjs.Tensor {
  return fused(tf, x, tf.relu, 'ReluGrad');
}

/** min(max(x, 0), 6); `x` is float32. */
export function rectify6(tf: Tf, x: tfjs.Tensor): tfjs.Tensor {
  return fused(tf, x, tf.relu6, 'Relu6Grad');
}

function fused(tf: Tf, x: tfjs.Tensor, forward: (x: tfjs.Tensor) => tfjs.Tensor, gradient: string): tfjs.Tensor {
  const backend = kernelBackend(tf);
  if (!backend || x.dtype !== 'float32') return forward(x);
  const differentiable = tf.customGrad((...args: (tfjs.Tensor | tfjs.GradSaveFunc)[]) => {
    const [input, save] = args as [tfjs.Tensor, tfjs.GradSaveFunc];
    const value = forward(input);
    // The kernel takes the output as well as the input, and the output is what the next operation keeps anyway.
    save([value]);
    return {
      value,
      gradFunc: (dy: tfjs.Tensor, saved: tfjs.Tensor[]) => {
        const [output] = saved as [tfjs.Tensor];
        const [dx] = backend.executeMultipleOutputs(gradient, [floatType(backend, 'T')], [dy, output], 1);
        return [dx as tfjs.Tensor];
      },
    };
  });
  return differentiable(x);
}
