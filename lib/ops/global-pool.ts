import type * as tfjs from '@tensorflow/tfjs-core';
import {
  type CostTerm,
  mismatch,
  type Operator,
  required,
  requiredTensor,
  type ShapedNode,
  type Tf,
} from './operator.js';
import { tieBatchAndChannels } from './pool.js';

/** One operation per element of the input. */
function cost(shaped: ShapedNode): CostTerm[] {
  const value = shaped.node.inputs[0] ?? '';
  const factors = shaped.inputs[0]?.dims.map((_, axis) => ({ value, axis })) ?? [];
  return [{ kind: 'elementwise', coefficient: 1, factors }];
}

function globalPool(op: string, reduce: (tf: Tf, x: tfjs.Tensor, axes: number[]) => tfjs.Tensor): Operator {
  return {
    op,
    passes: 'channels',
    layout: 'channelsLast',
    infer: (context) => {
      const { dtype, dims } = required(context, 0);
      if (dims.length < 3) throw mismatch(context.node, `its input [${dims}] has no spatial axes.`);
      return [{ dtype, dims: dims.map((extent, axis) => (axis < 2 ? extent : 1)) }];
    },
    run: (context) => {
      const x = requiredTensor(context, 0);
      const spatial = x.shape.slice(1, -1).map((_, axis) => axis + 1);
      return [reduce(context.tf, x, spatial)];
    },
    cost,
    tie: tieBatchAndChannels,
  };
}

/** The mean over all spatial axes, which stay with extent 1. */
export const globalAveragePool = globalPool('GlobalAveragePool', (tf, x, axes) => tf.mean(x, axes, true));

/** The maximum over all spatial axes, which stay with extent 1. */
export const globalMaxPool = globalPool('GlobalMaxPool', (tf, x, axes) => tf.max(x, axes, true));
