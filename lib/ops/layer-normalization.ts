import type * as tfjs from '@tensorflow/tfjs-core';
import { floatAttribute, intAttribute, normalizeAxis } from '../graph/attributes.js';
import { tieBroadcast } from './broadcast.js';
import {
  elementwiseCost,
  mismatch,
  type Operator,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
  tieElementwise,
} from './operator.js';

function firstAxis(shaped: Pick<ShapedNode, 'node' | 'inputs'>): number {
  return normalizeAxis(shaped.node, intAttribute(shaped.node, 'axis', -1), required(shaped, 0).dims.length);
}

function run(context: RunContext): tfjs.Tensor[] {
  const { tf, node, tensors } = context;
  const x = requiredTensor(context, 0);
  const first = firstAxis(context);
  const axes = x.shape.flatMap((_, axis) => (axis >= first ? [axis] : []));
  const { mean, variance } = tf.moments(x, axes, true);
  const inverse = tf.rsqrt(tf.add(variance, floatAttribute(node, 'epsilon', 1e-5)));
  const normal = tf.mul(tf.sub(x, mean), inverse);
  const scaled = tf.mul(normal, requiredTensor(context, 1));
  const bias = tensors[2];
  return [bias ? tf.add(scaled, bias) : scaled, mean, inverse].slice(0, Math.max(1, node.outputs.length));
}

/**
 * LayerNormalization over the axes from `axis` on. It counts as eight operations per element: sum; subtract, square and
 * sum; subtract and multiply; scale and bias.
 */
export const layerNormalization: Operator = {
  op: 'LayerNormalization',
  parameters: [1, 2],
  layout: 'plain',
  infer: (context) => {
    const { dtype, dims } = required(context, 0);
    const first = firstAxis(context);
    const scale = required(context, 1).dims;
    const normalized = dims.slice(first);
    const fits = scale.every((extent, index) => {
      const of = normalized[index - scale.length + normalized.length];
      return extent === 1 || typeof extent === 'string' || typeof of === 'string' || extent === of;
    });
    if (!fits)
      throw mismatch(context.node, `scale [${scale}] does not broadcast to the normalised axes [${normalized}].`);
    const statistics = dims.map((extent, axis) => (axis < first ? extent : 1));
    const types = [
      { dtype, dims },
      { dtype: 'float32' as const, dims: statistics },
      { dtype: 'float32' as const, dims: statistics },
    ];
    return types.slice(0, Math.max(1, context.node.outputs.length));
  },
  run,
  cost: (shaped) => elementwiseCost(shaped, 8),
  // Taking out elements of a normalised axis changes the mean and variance of the others: zeroed is not removed here.
  // That is accepted, as everywhere in the pruning of transformers; fine-tuning makes up for it.
  tie: (shaped) => [...tieElementwise(shaped, 0), ...tieBroadcast(shaped, [1, 2])],
};
