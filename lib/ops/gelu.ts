/** Gelu and the error function it is defined by. */

import { stringAttribute } from '../graph/attributes.js';
import { activation } from './activation.js';
import { mismatch } from './operator.js';

export const erf = activation('Erf', (x, { tf }) => tf.erf(x));

/** Gelu: x·Φ(x), exact or in the tanh approximation (Hendrycks and Gimpel, arXiv 1606.08415). */
export const gelu = activation(
  'Gelu',
  (x, { tf, node }) => {
    const approximate = stringAttribute(node, 'approximate', 'none');
    if (approximate !== 'none' && approximate !== 'tanh')
      throw mismatch(node, `attribute approximate should be "none" or "tanh", but it is "${approximate}".`);
    const half = tf.mul(x, 0.5);
    if (approximate === 'none') return tf.mul(half, tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
    const inner = tf.mul(tf.add(tf.mul(tf.square(x), 0.044715), 1), tf.mul(x, Math.sqrt(2 / Math.PI)));
    return tf.mul(half, tf.add(tf.tanh(inner), 1));
  },
  'nonlinearity',
);
