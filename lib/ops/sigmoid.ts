/** Sigmoid and its relatives. */

import { floatAttribute } from '../graph/attributes.js';
import { activation } from './activation.js';

/** Sigmoid: 1 / (1 + exp(−x)). */
export const sigmoid = activation('Sigmoid', (x, { tf }) => tf.sigmoid(x), 'gate');

export const tanh = activation('Tanh', (x, { tf }) => tf.tanh(x), 'nonlinearity');

/** HardSigmoid: min(max(alpha·x + beta, 0), 1). */
export const hardSigmoid = activation(
  'HardSigmoid',
  (x, { tf, node }) => {
    const line = tf.add(tf.mul(x, floatAttribute(node, 'alpha', 0.2)), floatAttribute(node, 'beta', 0.5));
    return tf.clipByValue(line, 0, 1);
  },
  'gate',
);

/** HardSwish: x · min(max(x/6 + 1/2, 0), 1). */
export const hardSwish = activation(
  'HardSwish',
  (x, { tf }) => tf.mul(tf.mul(x, 1 / 6), tf.relu6(tf.add(x, 3))),
  'nonlinearity',
);
