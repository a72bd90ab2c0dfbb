import { floatAttribute } from '../graph/attributes.js';
import { activation } from './activation.js';

/** LeakyRelu: x, or alpha·x where x is negative. */
export const leakyRelu = activation(
  'LeakyRelu',
  (x, { tf, node }) => tf.leakyRelu(x, floatAttribute(node, 'alpha', 0.01)),
  'nonlinearity',
);
