/** GroupNormalization and InstanceNormalization, whose groups are single channels. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { floatAttribute, intAttribute } from '../graph/attributes.js';
import { groupsLeft, tieWithinGroups } from './channel-groups.js';
import {
  elementwiseCost,
  type InferContext,
  mismatch,
  type Operator,
  type Relation,
  type RunContext,
  required,
  requiredTensor,
  type SettledRelation,
  type ShapedNode,
  type Tf,
  tieAxes,
  tieElementwise,
  type ValueType,
  wholeAxis,
} from './operator.js';
import { pinSpatial } from './window.js';

/** `x` [N, …, C] with each group of channels of each sample brought to mean 0 and variance 1. */
function normalizeGroups(tf: Tf, x: tfjs.Tensor, groups: number, epsilon: number): tfjs.Tensor {
  const [batch = 0] = x.shape;
  const channels = x.shape.at(-1) ?? 0;
  const positions = x.shape.slice(1, -1).reduce((product, extent) => product * extent, 1);
  const grouped = tf.reshape(x, [batch, positions, groups, channels / groups]);
  const { mean, variance } = tf.moments(grouped, [1, 3], true);
  const normal = tf.mul(tf.sub(grouped, mean), tf.rsqrt(tf.add(variance, epsilon)));
  return tf.reshape(normal, x.shape);
}

function groupsOf({ node, inputs }: Pick<ShapedNode, 'node' | 'inputs'>): number {
  const channels = inputs[0]?.dims[1];
  return intAttribute(node, 'num_groups') ?? (typeof channels === 'number' ? channels : 1);
}

function infer(context: InferContext): ValueType[] {
  const { dtype, dims } = required(context, 0);
  const [, channels] = dims;
  if (dims.length < 3) throw mismatch(context.node, `its input [${dims}] should have three axes or more.`);
  if (typeof channels !== 'number') return [{ dtype, dims }];
  const groups = groupsOf(context);
  if (groups < 1 || channels % groups !== 0)
    throw mismatch(context.node, `${channels} channels cannot be cut into ${groups} groups.`);
  for (const position of [1, 2]) {
    const vector = required(context, position).dims;
    // One value a group until opset 20, one a channel from 21 on.
    if (vector.length !== 1 || (vector[0] !== channels && vector[0] !== groups))
      throw mismatch(context.node, `input ${position} has shape [${vector}]; [${channels}] was expected.`);
  }
  return [{ dtype, dims }];
}

function run(context: RunContext): tfjs.Tensor[] {
  const { tf, node } = context;
  const x = requiredTensor(context, 0);
  const channels = x.shape.at(-1) ?? 0;
  const groups = intAttribute(node, 'num_groups') ?? channels;
  const perChannel = (vector: tfjs.Tensor) =>
    vector.size === channels
      ? vector
      : tf.reshape(tf.tile(tf.reshape(vector, [groups, 1]), [1, channels / groups]), [channels]);
  const normal = normalizeGroups(tf, x, groups, floatAttribute(node, 'epsilon', 1e-5));
  const scaled = tf.mul(normal, perChannel(requiredTensor(context, 1)));
  return [tf.add(scaled, perChannel(requiredTensor(context, 2)))];
}

/**
 * Whole groups leave together, which leaves the others as they are; or, where groups are few, the same share of each,
 * whose statistics then are those of what is left.
 */
function tie(shaped: ShapedNode): Relation[] {
  const x = shaped.inputs[0];
  const channels = x && wholeAxis(shaped.node.inputs[0] ?? '', x, 1);
  const groups = groupsOf(shaped);
  // One instance over all there is (a group norm written as Reshape and InstanceNormalization) normalises channels.
  const positions = channels?.length === 1 ? [] : pinSpatial(shaped);
  const always = [...tieElementwise(shaped, 0), ...positions];
  if (!channels) return always;
  const vectors = [1, 2].flatMap((position) => {
    const vector = shaped.inputs[position];
    return (vector && wholeAxis(shaped.node.inputs[position] ?? '', vector, 0)) ?? [];
  });
  const whole = vectors.map((b): SettledRelation => ({ kind: 'same', a: channels, b, blocks: groups }));
  if (groups === channels.length) return [...always, ...whole];
  const within = [tieWithinGroups(channels, groups), ...vectors.flatMap((vector) => tieAxes(channels, vector))];
  const options = groups >= FEW_GROUPS ? [whole, within] : [within, whole];
  return [...always, { kind: 'either', options }];
}

/** Of fewer groups than these too much would leave with each. */
const FEW_GROUPS = 4;

/** Eight operations per element: sum; subtract, square and sum; subtract and multiply; scale and bias. */
const OPERATIONS = 8;

const normalization = {
  parameters: [1, 2],
  layout: 'channelsLast',
  infer,
  run,
  cost: (shaped) => elementwiseCost(shaped, OPERATIONS),
  tie,
} satisfies Omit<Operator, 'op'>;

export const groupNormalization: Operator = {
  op: 'GroupNormalization',
  ...normalization,
  rewrite: ({ node, inputs, kept }) => {
    const channels = inputs[0]?.dims[1];
    if (typeof channels !== 'number') return {};
    const groups = groupsLeft(kept({ value: node.inputs[0] ?? '', axis: 1 }), channels, groupsOf({ node, inputs }));
    return { attributes: { num_groups: { type: 'int', value: groups } } };
  },
};

export const instanceNormalization: Operator = { op: 'InstanceNormalization', ...normalization };
