/** Reductions over some axes: ReduceMean, ReduceSum, ReduceMax, ReduceMin, ReduceL2. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { intAttribute, intsAttribute, normalizeAxis } from '../graph/attributes.js';
import { isFloat } from './broadcast.js';
import { knownNumbers } from './elements.js';
import {
  type CostTerm,
  type InferContext,
  type LayoutPolicy,
  mismatch,
  type Operator,
  type Relation,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
  type Tf,
  tieAxes,
  type ValueType,
  wholeAxis,
} from './operator.js';

type Around = Pick<ShapedNode, 'node' | 'inputs'>;

/** The reduced axes, ascending, from the second input or the attribute (before opset 18); undefined if unknown. */
function axesOf(around: Around): number[] | undefined {
  const { node } = around;
  const rank = required(around, 0).dims.length;
  const input = around.inputs[1];
  const listed = input ? knownNumbers(input) : (intsAttribute(node, 'axes') ?? []);
  if (!listed) return undefined;
  if (listed.length === 0)
    return intAttribute(node, 'noop_with_empty_axes', 0) ? [] : Array.from({ length: rank }, (_, axis) => axis);
  return [...new Set(listed.map((axis) => normalizeAxis(node, axis, rank)))].sort((a, b) => a - b);
}

function keepsDims(around: Around): boolean {
  return intAttribute(around.node, 'keepdims', 1) !== 0;
}

function infer(context: InferContext): ValueType[] {
  const { dtype, dims } = required(context, 0);
  const axes = axesOf(context);
  if (!axes) {
    if (!keepsDims(context))
      throw mismatch(context.node, 'its axes are computed, so that its output has no known shape.');
    return [{ dtype, dims: dims.map(() => context.unknown()) }];
  }
  const reduced = dims.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  return [{ dtype, dims: keepsDims(context) ? reduced : reduced.filter((_, axis) => !axes.includes(axis)) }];
}

/** Logical axes in the order in which they lie channels-last. */
function channelsLast<T>(axes: T[]): T[] {
  const [batch, channels, ...spatial] = axes;
  return axes.length < 3 || batch === undefined || channels === undefined ? axes : [batch, ...spatial, channels];
}

/** Any layout, as long as the axes that stay lie channels-last (or plain, if they are fewer than three) by themselves. */
function layout(shaped: ShapedNode): LayoutPolicy {
  const axes = axesOf(shaped);
  if (keepsDims(shaped)) return axes ? 'follow' : 'plain';
  const all = required(shaped, 0).dims.map((_, axis) => axis);
  const stay = (list: number[]) => list.filter((axis) => !axes?.includes(axis));
  return axes && stay(channelsLast(all)).join() === channelsLast(stay(all)).join() ? 'follow' : 'plain';
}

/** One operation per element of the input (two where each is squared first). */
function costOf(count: number) {
  return (shaped: ShapedNode): CostTerm[] => {
    const value = shaped.node.inputs[0] ?? '';
    if (!isFloat(shaped.inputs[0])) return [];
    const factors = shaped.inputs[0]?.dims.map((_, axis) => ({ value, axis })) ?? [];
    return [{ kind: 'elementwise', coefficient: count, factors }];
  };
}

/**
 * The axes that stay, each with its own. Along a reduced axis a zero leaves a sum or a norm as it is, so that its
 * elements are free; a mean would be divided by another count, and a zero can be the largest or the least: pinned, unless
 * it belongs to a normalisation of these elements.
 */
function tieOf(neutralZero: boolean) {
  return (shaped: ShapedNode): Relation[] => {
    const x = required(shaped, 0);
    const y = shaped.outputs[0];
    const [from = ''] = shaped.node.inputs;
    const [to = ''] = shaped.node.outputs;
    const axes = axesOf(shaped);
    if (!y) return [];
    const pin = (axis: number, reason: string): Relation => ({ kind: 'pin', at: { value: from, axis }, reason });
    if (!axes) return x.dims.map((_, axis) => pin(axis, 'the axes that are reduced are computed'));
    const felt = `${shaped.node.op} is taken over these channels and would feel that some are gone`;
    const pins = neutralZero ? [] : axes.map((axis) => ({ ...pin(axis, felt), unlessNormalizing: true }));
    const stay = x.dims.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const ties = stay.flatMap((axis, position) =>
      tieAxes(wholeAxis(from, x, axis), wholeAxis(to, y, keepsDims(shaped) ? axis : position)),
    );
    return [...pins, ...ties];
  };
}

type Reduction = (tf: Tf, x: tfjs.Tensor, axes: number[], keepDims: boolean) => tfjs.Tensor;

/** @param neutralZero whether elements that are 0 change nothing. */
function reduction(op: string, reduce: Reduction, neutralZero: boolean, operations = 1): Operator {
  return {
    op,
    layout,
    infer,
    run: (context: RunContext) => {
      const x = requiredTensor(context, 0);
      const axes = axesOf(context);
      if (!axes) throw mismatch(context.node, 'its axes are computed; the engine needs to know them.');
      if (axes.length === 0) return [op === 'ReduceL2' ? context.tf.abs(x) : context.tf.clone(x)];
      const physical = axes.map((axis) => context.physicalAxis(axis, x.rank));
      return [reduce(context.tf, x, physical, keepsDims(context))];
    },
    cost: costOf(operations),
    tie: tieOf(neutralZero),
  };
}

/** The norm, with gradient 0 (that of least length) at the origin, where the root of a sum of squares would give NaN. */
const norm: Reduction = (tf, x, axes, keepDims) =>
  tf.customGrad((...args: (tfjs.Tensor | tfjs.GradSaveFunc)[]) => {
    const [input, save] = args as [tfjs.Tensor, tfjs.GradSaveFunc];
    const value = tf.sqrt(tf.sum(tf.square(input), axes, keepDims));
    save([input, value]);
    return {
      value,
      gradFunc: (dy: tfjs.Tensor, saved: tfjs.Tensor[]) => {
        const [point, length] = saved as [tfjs.Tensor, tfjs.Tensor];
        const atOrigin = tf.cast(tf.equal(length, 0), 'float32');
        const slope = tf.div(dy, tf.add(length, atOrigin));
        const ones = point.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
        return tf.mul(point, tf.reshape(slope, ones));
      },
    };
  })(x);

export const reduceL2 = reduction('ReduceL2', norm, true, 2);
export const reduceMax = reduction('ReduceMax', (tf, x, axes, keepDims) => tf.max(x, axes, keepDims), false);
export const reduceMean: Operator = {
  ...reduction('ReduceMean', (tf, x, axes, keepDims) => tf.mean(x, axes, keepDims), false),
  passes: 'channels',
};
export const reduceMin = reduction('ReduceMin', (tf, x, axes, keepDims) => tf.min(x, axes, keepDims), false);
export const reduceSum = reduction('ReduceSum', (tf, x, axes, keepDims) => tf.sum(x, axes, keepDims), true);
