/** Elu and Selu: linear above zero, exponential below. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { floatAttribute } from '../graph/attributes.js';
import { activation } from './activation.js';
import type { Tf } from './operator.js';

/** scale · (max(x, 0) + alpha · (exp(min(x, 0)) − 1)). */
function scaledElu(tf: Tf, x: tfjs.Tensor, alpha: number, scale: number): tfjs.Tensor {
  // elu(min(x, 0)) keeps the exponential from overflowing above zero, where its gradient would be 0 · ∞.
  const below = tf.mul(tf.elu(tf.minimum(x, 0)), alpha * scale);
  return tf.add(scale === 1 ? tf.relu(x) : tf.mul(tf.relu(x), scale), below);
}

export const elu = activation(
  'Elu',
  (x, { tf, node }) => {
    const alpha = floatAttribute(node, 'alpha', 1);
    return alpha === 1 ? tf.elu(x) : scaledElu(tf, x, alpha, 1);
  },
  'nonlinearity',
);

// The constants that ONNX gives as defaults, with which tfjs's selu is fixed.
const SELU_ALPHA = 1.6732632423543772;
const SELU_GAMMA = 1.0507009873554805;

export const selu = activation(
  'Selu',
  (x, { tf, node }) => {
    const alpha = floatAttribute(node, 'alpha', SELU_ALPHA);
    const gamma = floatAttribute(node, 'gamma', SELU_GAMMA);
    const standard = Math.abs(alpha - SELU_ALPHA) < 1e-6 && Math.abs(gamma - SELU_GAMMA) < 1e-6;
    return standard ? tf.selu(x) : scaledElu(tf, x, alpha, gamma);
  },
  'nonlinearity',
);
