/**
 * Convolutions over all channels, in the ways that TensorFlow trains fastest on the processor. Its gradient by the input of
 * a convolution takes up to seven times as long as the convolution itself where the maps are small; other ways to the same
 * numbers do not. Times in milliseconds are of 32 images on two cores.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import { floatType, kernelBackend } from './kernel-backend.js';
import type { Tf } from './operator.js';

type Convolution = (
  tf: Tf,
  image: tfjs.Tensor4D,
  weight: tfjs.Tensor4D,
  strides: [number, number],
  pad: 'same' | 'valid',
) => tfjs.Tensor4D;

/** Below this many input channels there is little to gain; images, whose gradient nobody asks for, have fewer. */
const FEW_CHANNELS = 16;

/** @param image [N, H, W, I]. @param weight [height, width, I, O]. */
export const denseConvolution: Convolution = (tf, image, weight, strides, pad) => {
  const [height, width, inChannels] = weight.shape;
  const isPoint = height === 1 && width === 1;
  const isStrided = strides[0] !== 1 || strides[1] !== 1;
  if (isPoint && !isStrided) return pointwise(tf, image, weight);
  if (onProcessor(tf) && inChannels >= FEW_CHANNELS && image.size > 0) {
    if (isPoint) return pointwise(tf, everyNth(tf, image, strides), weight);
    if (!isStrided && pad === 'same' && height % 2 === 1 && width % 2 === 1) return mirrored(tf, image, weight);
  }
  return tf.conv2d(image, weight, strides, pad);
};

function onProcessor(tf: Tf): boolean {
  const backend = kernelBackend(tf);
  return backend !== undefined && backend.isUsingGpuDevice !== true;
}

/** A 1×1 convolution as the product of matrices that it is (512 channels at 5×5: the gradient took 20, and takes 4). */
function pointwise(tf: Tf, image: tfjs.Tensor4D, weight: tfjs.Tensor4D): tfjs.Tensor4D {
  const [batch, height, width, inChannels] = image.shape;
  const outChannels = weight.shape[3];
  const rows = (x: tfjs.Tensor) => tf.reshape(x, [batch * height * width, inChannels]) as tfjs.Tensor2D;
  const matrix = (w: tfjs.Tensor) => tf.reshape(w, [inChannels, outChannels]) as tfjs.Tensor2D;
  const outputShape: [number, number, number, number] = [batch, height, width, outChannels];
  const product = matMulKernel(tf);
  if (!product) return tf.reshape(tf.matMul(rows(image), matrix(weight)), outputShape);
  const differentiable = tf.customGrad((...args: (tfjs.Tensor | tfjs.GradSaveFunc)[]) => {
    const [x, w, save] = args as [tfjs.Tensor, tfjs.Tensor, tfjs.GradSaveFunc];
    save([x, w]);
    return {
      value: tf.reshape(product(rows(x), matrix(w)), outputShape),
      gradFunc: (dy: tfjs.Tensor, saved: tfjs.Tensor[]) => {
        const [before, used] = saved as [tfjs.Tensor, tfjs.Tensor];
        const gradient = tf.reshape(dy, [batch * height * width, outChannels]);
        return [
          tf.reshape(product(gradient, matrix(used), false, true), image.shape),
          tf.reshape(product(rows(before), gradient, true), weight.shape),
        ];
      },
    };
  });
  return differentiable(image, weight) as tfjs.Tensor4D;
}

type MatMul = (a: tfjs.Tensor, b: tfjs.Tensor, transposeA?: boolean, transposeB?: boolean) => tfjs.Tensor;

/** TensorFlow's product of two matrices; what tfjs calls takes any number of them, by way of half a dozen reshapes. */
function matMulKernel(tf: Tf): MatMul | undefined {
  const backend = kernelBackend(tf);
  if (!backend) return undefined;
  const { TF_ATTR_BOOL: type = 0 } = backend.binding;
  return (a, b, transposeA = false, transposeB = false) => {
    const attributes = [
      floatType(backend, 'T'),
      { name: 'transpose_a', type, value: transposeA },
      { name: 'transpose_b', type, value: transposeB },
    ];
    return backend.executeMultipleOutputs('MatMul', attributes, [a, b], 1)[0] as tfjs.Tensor;
  };
}

/**
 * The gradient by the input is itself a convolution, with the filters turned by 180° and inputs and outputs exchanged
 * (3×3 over 512 channels at 7×7: 60 instead of 167).
 */
function mirrored(tf: Tf, image: tfjs.Tensor4D, weight: tfjs.Tensor4D): tfjs.Tensor4D {
  const differentiable = tf.customGrad((...args: (tfjs.Tensor | tfjs.GradSaveFunc)[]) => {
    const [x, w, save] = args as [tfjs.Tensor4D, tfjs.Tensor4D, tfjs.GradSaveFunc];
    save([x, w]);
    return {
      value: tf.conv2d(x, w, 1, 'same'),
      gradFunc: (dy: tfjs.Tensor, saved: tfjs.Tensor[]) => {
        const [before, used] = saved as [tfjs.Tensor4D, tfjs.Tensor4D];
        const turned = tf.transpose(tf.reverse(used, [0, 1]), [0, 1, 3, 2]);
        const ofWeight = tf.engine().runKernel<tfjs.Tensor>('Conv2DBackpropFilter', { x: before, dy }, {
          strides: 1,
          pad: 'same',
          dataFormat: 'NHWC',
          dimRoundingMode: null,
          filterShape: used.shape,
        } as never);
        return [tf.conv2d(dy as tfjs.Tensor4D, turned, 1, 'same'), ofWeight];
      },
    };
  });
  return differentiable(image, weight) as tfjs.Tensor4D;
}

/** The positions 0, stride, 2·stride, … of both axes; their gradient stands among zeros. */
function everyNth(tf: Tf, image: tfjs.Tensor4D, [down, right]: [number, number]): tfjs.Tensor4D {
  const [batch, height, width, channels] = image.shape;
  const differentiable = tf.customGrad((...args: (tfjs.Tensor | tfjs.GradSaveFunc)[]) => {
    const [x] = args as [tfjs.Tensor4D];
    return {
      value: tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, down, right, 1]),
      gradFunc: (dy: tfjs.Tensor) => {
        const [, rows = 1, columns = 1] = dy.shape;
        const apart = tf.pad(tf.reshape(dy, [batch * rows, 1, columns, channels]), [
          [0, 0],
          [0, down - 1],
          [0, 0],
          [0, (right - 1) * channels],
        ]);
        const whole = tf.reshape(apart, [batch, rows * down, columns * right, channels]);
        return [tf.slice(whole, [0, 0, 0, 0], [batch, height, width, channels])];
      },
    };
  });
  return differentiable(image) as tfjs.Tensor4D;
}
