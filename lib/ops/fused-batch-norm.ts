/**
 * Batch normalisation by batch statistics. TensorFlow's fused kernels are about three times as fast as the composition,
 * which serves on every other backend; the addon's are about as much faster again, on the processor.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import { type Attribute, floatType, type KernelBackend, kernelBackend, ownKernels } from './kernel-backend.js';
import type { Tf } from './operator.js';

export interface Normalized {
  y: tfjs.Tensor;
  mean: tfjs.Tensor;
  /** The population variance (divided by the count, as ONNX says). */
  variance: tfjs.Tensor;
}

/**
 * Normalises `x`, channels on the last axis, by the statistics of the batch.
 * @param scale and `bias` one value a channel. @param epsilon added to the variance.
 */
export function normalizeBatch(
  tf: Tf,
  x: tfjs.Tensor,
  scale: tfjs.Tensor,
  bias: tfjs.Tensor,
  epsilon: number,
): Normalized {
  const own = x.size > 0 ? ownKernels(tf) : undefined;
  if (own) return ours(tf, own, x, scale, bias, epsilon);
  const backend = kernelBackend(tf);
  if (backend && x.size > 0) return fused(tf, backend, x, scale, bias, epsilon);
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const { mean, variance } = tf.moments(x, axes);
  const factor = tf.mul(tf.rsqrt(tf.add(variance, epsilon)), scale);
  return { y: tf.add(tf.mul(tf.sub(x, mean), factor), bias), mean, variance };
}

type Three = [tfjs.Tensor, tfjs.Tensor, tfjs.Tensor];

function ours(
  tf: Tf,
  backend: KernelBackend,
  x: tfjs.Tensor,
  scale: tfjs.Tensor,
  bias: tfjs.Tensor,
  epsilon: number,
): Normalized {
  const attributes = (): Attribute[] => [{ name: 'epsilon', type: backend.binding.TF_ATTR_FLOAT ?? 0, value: epsilon }];
  // Outside customGrad, whose scope would dispose of the statistics. It is no recorded operation, so no gradient runs here.
  const [y, mean, variance] = backend.executeMultipleOutputs(
    'TascnetBatchNorm',
    attributes(),
    [x, scale, bias],
    3,
  ) as Three;
  const differentiable = tf.customGrad((...args: (tfjs.Tensor | tfjs.GradSaveFunc)[]) => {
    const [xIn, scaleIn, , save] = args as [...Three, tfjs.GradSaveFunc];
    save([xIn, scaleIn, mean, variance]);
    return {
      value: tf.clone(y),
      gradFunc: (dy: tfjs.Tensor, saved: tfjs.Tensor[]) =>
        backend.executeMultipleOutputs('TascnetBatchNormGrad', attributes(), [dy, ...saved], 3),
    };
  });
  return { y: differentiable(x, scale, bias), mean, variance };
}

function fused(
  tf: Tf,
  backend: KernelBackend,
  x: tfjs.Tensor,
  scale: tfjs.Tensor,
  bias: tfjs.Tensor,
  epsilon: number,
): Normalized {
  const { binding } = backend;
  const channels = x.shape.at(-1) ?? 1;
  const count = x.size / channels;
  const attributes = (): Attribute[] => [
    floatType(backend, 'T'),
    floatType(backend, 'U'),
    { name: 'epsilon', type: binding.TF_ATTR_FLOAT ?? 0, value: epsilon },
    { name: 'data_format', type: binding.TF_ATTR_STRING ?? 0, value: 'NHWC' },
    { name: 'is_training', type: binding.TF_ATTR_BOOL ?? 0, value: true },
  ];
  const four = (tensor: tfjs.Tensor) => (tensor.rank === 4 ? tensor : tf.reshape(tensor, [1, 1, count, channels]));
  const none = tf.tensor1d([], 'float32');
  // Outside customGrad, whose scope would dispose of the statistics. It is no recorded operation, so no gradient runs here.
  const [whole, mean, unbiased, ...reserved] = backend.executeMultipleOutputs(
    'FusedBatchNormV3',
    attributes(),
    [four(x), scale, bias, none, none],
    6,
  ) as [tfjs.Tensor, tfjs.Tensor, tfjs.Tensor, ...tfjs.Tensor[]];
  const differentiable = tf.customGrad((...args: (tfjs.Tensor | tfjs.GradSaveFunc)[]) => {
    const [xIn, scaleIn, , save] = args as [tfjs.Tensor, tfjs.Tensor, tfjs.Tensor, tfjs.GradSaveFunc];
    save([xIn, scaleIn, ...reserved]);
    return {
      value: tf.reshape(whole, x.shape),
      gradFunc: (dy: tfjs.Tensor, saved: tfjs.Tensor[]) => {
        const [xSaved, scaleSaved, ...statistics] = saved as [tfjs.Tensor, tfjs.Tensor, ...tfjs.Tensor[]];
        const inputs = [four(dy), four(xSaved), scaleSaved, ...statistics];
        const [dx, dScale, dBias] = backend.executeMultipleOutputs('FusedBatchNormGradV3', attributes(), inputs, 5) as [
          tfjs.Tensor,
          tfjs.Tensor,
          tfjs.Tensor,
        ];
        return [tf.reshape(dx, x.shape), dScale, dBias];
      },
    };
  });
  // TensorFlow hands out the sample variance: divided by count − 1.
  const variance = tf.mul(unbiased, Math.max(1, count - 1) / count);
  return { y: differentiable(x, scale, bias), mean, variance };
}
