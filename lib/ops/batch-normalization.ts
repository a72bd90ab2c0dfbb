import type * as tfjs from '@tensorflow/tfjs-core';
import { floatAttribute, intAttribute } from '../graph/attributes.js';
import { normalizeBatch } from './fused-batch-norm.js';
import {
  elementwiseCost,
  type InferContext,
  mismatch,
  type Operator,
  type Relation,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
  tieAxes,
  tieElementwise,
  type ValueType,
  wholeAxis,
} from './operator.js';

const DEFAULT_EPSILON = 1e-5;

function infer(context: InferContext): ValueType[] {
  const { node } = context;
  const { dtype, dims } = required(context, 0);
  const channels = dims.length > 1 ? dims[1] : 1;
  for (const position of [1, 2, 3, 4]) {
    const vector = required(context, position);
    const [extent] = vector.dims;
    if (vector.dims.length !== 1 || (typeof channels === 'number' && typeof extent === 'number' && extent !== channels))
      throw mismatch(node, `input ${position} has shape [${vector.dims}]; [${channels}] was expected.`);
  }
  const [mean, variance] = [required(context, 3), required(context, 4)];
  const statistics = [mean, variance].map((type): ValueType => ({ dtype: type.dtype, dims: type.dims }));
  return node.outputs.length > 1 ? [{ dtype, dims }, ...statistics] : [{ dtype, dims }];
}

/** In training: by the batch's statistics, with running ← momentum·running + (1 − momentum)·batch, as ONNX says. */
function run(context: RunContext): tfjs.Tensor[] {
  const { tf, node } = context;
  const x = requiredTensor(context, 0);
  const [scale, bias] = [requiredTensor(context, 1), requiredTensor(context, 2)];
  const [mean, variance] = [requiredTensor(context, 3), requiredTensor(context, 4)];
  const epsilon = floatAttribute(node, 'epsilon', DEFAULT_EPSILON);
  if (!context.training && intAttribute(node, 'training_mode', 0) === 0) {
    const of = (vector: tfjs.Tensor) => vector as tfjs.Tensor1D;
    // One pass over the activations; its gradient in tfjs takes a dozen, the composition's a few.
    if (tf.engine().state.gradientDepth === 0 && x.rank > 1 && x.rank <= 4 && node.outputs.length === 1)
      return [tf.batchNorm(x as tfjs.Tensor4D, of(mean), of(variance), of(bias), of(scale), epsilon)];
    const factor = tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)));
    return [tf.add(tf.mul(x, factor), tf.sub(bias, tf.mul(mean, factor)))];
  }
  const batch = normalizeBatch(tf, x, scale, bias, epsilon);
  const momentum = floatAttribute(node, 'momentum', 0.9);
  const running = (before: tfjs.Tensor, now: tfjs.Tensor) =>
    tf.add(tf.mul(before, momentum), tf.mul(now, 1 - momentum));
  const statistics = [running(mean, batch.mean), running(variance, batch.variance)];
  if (context.training)
    statistics.forEach((value, index) => {
      context.updateBuffer(3 + index, value);
    });
  return node.outputs.length > 1 ? [batch.y, ...statistics] : [batch.y];
}

/** Each channel with its scale, bias, running mean and variance. */
function tie(shaped: ShapedNode): Relation[] {
  const x = shaped.inputs[0];
  const xName = shaped.node.inputs[0] ?? '';
  if (!x) return [];
  const channels = wholeAxis(xName, x, 1);
  const vectors = [1, 2, 3, 4].flatMap((position) => {
    const vector = shaped.inputs[position];
    const name = shaped.node.inputs[position];
    return vector && name ? tieAxes(channels, wholeAxis(name, vector, 0)) : [];
  });
  const statistics = shaped.node.outputs.slice(1).flatMap((name, index) => {
    const type = shaped.outputs[index + 1];
    return type && name ? tieAxes(channels, wholeAxis(name, type, 0)) : [];
  });
  return [...tieElementwise(shaped, 0), ...vectors, ...statistics];
}

/** BatchNormalization. It counts as a multiplication and an addition per element, which is what inference does. */
export const batchNormalization: Operator = {
  op: 'BatchNormalization',
  parameters: [1, 2],
  buffers: [3, 4],
  layout: 'channelsLast',
  infer,
  run,
  cost: (shaped) => elementwiseCost(shaped, 2),
  tie,
};
