/** Softplus and Mish, which is built on it. */

import { activation } from './activation.js';

/** Softplus: log(1 + exp(x)). */
export const softplus = activation('Softplus', (x, { tf }) => tf.softplus(x));

/** Mish: x · tanh(softplus(x)) (Misra, arXiv 1908.08681). */
export const mish = activation('Mish', (x, { tf }) => tf.mul(x, tf.tanh(tf.softplus(x))), 'nonlinearity');
