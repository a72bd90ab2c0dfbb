import type * as tfjs from '@tensorflow/tfjs-core';
import type { Dim } from '../graph/graph.js';
import { broadcastDims, broadcastTo } from './broadcast.js';
import {
  type CostTerm,
  denseLayer,
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

/** The product of stacks of matrices whose stacks broadcast; tfjs's own gradient of it does not sum the repeats. */
function stackedProduct(tf: Tf, a: tfjs.Tensor, b: tfjs.Tensor): tfjs.Tensor {
  const [m = 0, k = 0] = a.shape.slice(-2);
  const n = b.shape.at(-1) ?? 0;
  // One matrix on the right (a weight): the rows of the whole stack at once.
  if (b.rank === 2) {
    const rows = a.shape.slice(0, -1);
    const count = rows.reduce((product, extent) => product * extent, 1);
    return tf.reshape(tf.matMul(tf.reshape(a, [count, k]), b), [...rows, n]);
  }
  const stackA = a.shape.slice(0, -2);
  const stackB = b.shape.slice(0, -2);
  const rank = Math.max(stackA.length, stackB.length);
  const stack = Array.from({ length: rank }, (_, axis) => {
    const extents = [stackA[axis - rank + stackA.length] ?? 1, stackB[axis - rank + stackB.length] ?? 1];
    return extents.includes(0) ? 0 : Math.max(...extents);
  });
  const count = stack.reduce((product, extent) => product * extent, 1);
  const left = tf.reshape(broadcastTo(tf, a, [...stack, m, k]), [count, m, k]);
  const right = tf.reshape(broadcastTo(tf, b, [...stack, k, n]), [count, k, n]);
  return tf.reshape(tf.matMul(left, right), [...stack, m, n]);
}

function run(context: RunContext): tfjs.Tensor[] {
  const { tf } = context;
  const a = requiredTensor(context, 0);
  const b = requiredTensor(context, 1);
  const left = a.rank === 1 ? tf.reshape(a, [1, a.size]) : a;
  const right = b.rank === 1 ? tf.reshape(b, [b.size, 1]) : b;
  const product = stackedProduct(tf, left, right);
  const shape = [...product.shape];
  if (b.rank === 1) shape.pop();
  if (a.rank === 1) shape.splice(b.rank === 1 ? -1 : -2, 1);
  return [shape.length === product.rank ? product : tf.reshape(product, shape)];
}

/** MACs: every output element sums over the last axis of A. */
function cost(shaped: ShapedNode): CostTerm[] {
  const value = shaped.node.outputs[0] ?? '';
  const a = shaped.inputs[0];
  if (!a) return [];
  const outputs = shaped.outputs[0]?.dims.map((_, axis) => ({ value, axis })) ?? [];
  const summed = { value: shaped.node.inputs[0] ?? '', axis: a.dims.length - 1 };
  return [{ kind: 'macs', coefficient: 1, factors: [...outputs, summed] }];
}

/** Rows and columns with the output's, the summed axes with each other, stacks where they are not repeated. */
function tie(shaped: ShapedNode): Relation[] {
  const [a, b] = shaped.inputs;
  const y = shaped.outputs[0];
  const [aName = '', bName = ''] = shaped.node.inputs;
  const yName = shaped.node.outputs[0] ?? '';
  if (!a || !b || !y) return [];
  const rows = a.dims.length > 1 ? 1 : 0;
  const columns = b.dims.length > 1 ? 1 : 0;
  const rank = y.dims.length;
  const stack = (name: string, type: ValueType) =>
    Array.from({ length: Math.max(0, type.dims.length - 2) }, (_, axis) =>
      tieAxes(wholeAxis(name, type, axis), wholeAxis(yName, y, axis + rank - rows - columns - (type.dims.length - 2))),
    ).flat();
  return [
    ...tieAxes(wholeAxis(aName, a, a.dims.length - 1), wholeAxis(bName, b, Math.max(0, b.dims.length - 2))),
    ...(rows ? tieAxes(wholeAxis(aName, a, a.dims.length - 2), wholeAxis(yName, y, rank - columns - 1)) : []),
    ...(columns ? tieAxes(wholeAxis(bName, b, b.dims.length - 1), wholeAxis(yName, y, rank - 1)) : []),
    ...stack(aName, a),
    ...stack(bName, b),
  ];
}

/** MatMul, as numpy.matmul: matrices in stacks that broadcast; a vector is a row on the left, a column on the right. */
export const matMul: Operator = {
  op: 'MatMul',
  parameters: [0, 1],
  layout: 'plain',
  infer: (context) => {
    const [a, b] = [required(context, 0), required(context, 1)];
    if (a.dims.length === 0 || b.dims.length === 0) throw mismatch(context.node, 'its inputs should not be scalars.');
    const k = a.dims.at(-1);
    const inner = b.dims.length === 1 ? b.dims[0] : b.dims.at(-2);
    if (typeof k === 'number' && typeof inner === 'number' && k !== inner)
      throw mismatch(context.node, `[${a.dims}] and [${b.dims}] do not fit: ${k} columns against ${inner} rows.`);
    const stack = broadcastDims(context, [a.dims.slice(0, -2), b.dims.slice(0, -2)]);
    const row = a.dims.length === 1 ? [] : a.dims.slice(-2, -1);
    const column: Dim[] = b.dims.length === 1 ? [] : b.dims.slice(-1);
    return [{ dtype: a.dtype, dims: [...stack, ...row, ...column] }];
  },
  run,
  cost,
  tie,
  linear: ({ inputs: [a, b] }) =>
    a?.dims.length === 2 && b?.dims.length === 2 ? denseLayer({ weight: 1, bias: undefined, inputAxis: 0 }) : undefined,
};
