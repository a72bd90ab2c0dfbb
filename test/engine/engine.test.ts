import { expect, test } from '@jest/globals';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { loadEngine } from '../../lib/engine/engine.js';

const warnings: string[] = [];
const engine = await loadEngine({ onWarning: (message) => warnings.push(message) });
const { tf } = engine;

test('gives TensorFlow, or says that it is slow', () => {
  if (engine.backend === 'tensorflow') expect(engine.version).toMatch(/^\d+\.\d+\.\d+/);
  else expect(warnings.join()).toMatch(/slow/);
  expect(tf.getBackend()).toBe(engine.backend);
});

test('is loaded once', async () => {
  expect(await loadEngine()).toBe(engine);
});

test('takes typed arrays made here and gives typed arrays known here', () => {
  const square = tf.tidy(() =>
    tf
      .tensor2d(new Float32Array([1, 2, 3, 4]), [2, 2])
      .square()
      .dataSync(),
  );
  expect(square).toBeInstanceOf(Float32Array);
  expect([...square]).toEqual([1, 4, 9, 16]);
});

test('the same training step gives bitwise the same gradients', () => {
  const image = tf.randomNormal([8, 28, 28, 16], 0, 1, 'float32', 1) as Tensor4D;
  const weights = [
    tf.randomNormal([3, 3, 16, 32], 0, 1, 'float32', 2),
    tf.randomNormal([3, 3, 32, 1], 0, 1, 'float32', 3),
    tf.randomNormal([32, 10], 0, 1, 'float32', 4),
    tf.randomNormal([32], 0, 1, 'float32', 5),
  ];
  const gradients = () =>
    tf.tidy(() => {
      const step = tf.grads((conv, depthwise, dense, scale) => {
        const features = tf.conv2d(image, conv as Tensor4D, 2, 'same');
        const { mean, variance } = tf.moments(features, [0, 1, 2]);
        const normal = tf.batchNorm(features, mean, variance, tf.zeros([32]), scale, 1e-5);
        const deep = tf.depthwiseConv2d(tf.relu(normal) as Tensor4D, depthwise as Tensor4D, 1, 'same');
        return tf
          .logSoftmax(tf.matMul(tf.mean(deep, [1, 2]), dense))
          .square()
          .mean();
      });
      return step(weights).map((gradient) => Buffer.from(gradient.dataSync().slice().buffer).toString('base64'));
    });
  const first = gradients();
  for (let repeat = 0; repeat < 5; repeat++) expect(gradients()).toEqual(first);
});
