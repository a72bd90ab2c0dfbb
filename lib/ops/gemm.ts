import type * as tfjs from '@tensorflow/tfjs-core';
import { floatAttribute, intAttribute } from '../graph/attributes.js';
import type { Dim, Node } from '../graph/graph.js';
import { tieBroadcast } from './broadcast.js';
import {
  type CostTerm,
  denseLayer,
  elementwiseCost,
  mismatch,
  type Operator,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
  tieAxes,
  wholeAxis,
} from './operator.js';

/** For A and B: which axis is summed over and which goes to the output. */
function axesOf(node: Node): { a: { kept: number; summed: number }; b: { kept: number; summed: number } } {
  const transA = intAttribute(node, 'transA', 0) !== 0;
  const transB = intAttribute(node, 'transB', 0) !== 0;
  return {
    a: transA ? { kept: 1, summed: 0 } : { kept: 0, summed: 1 },
    b: transB ? { kept: 0, summed: 1 } : { kept: 1, summed: 0 },
  };
}

function run(context: RunContext): tfjs.Tensor[] {
  const { tf, node, tensors } = context;
  const { a, b } = axesOf(node);
  const product = tf.matMul(requiredTensor(context, 0), requiredTensor(context, 1), a.kept === 1, b.kept === 0);
  const alpha = floatAttribute(node, 'alpha', 1);
  const beta = floatAttribute(node, 'beta', 1);
  const scaled = alpha === 1 ? product : tf.mul(product, alpha);
  const c = tensors[2];
  if (!c || beta === 0) return [scaled];
  return [tf.add(scaled, beta === 1 ? c : tf.mul(c, beta))];
}

/** MACs: rows × columns × the extent that is summed over; one addition per output element for C. */
function cost(shaped: ShapedNode): CostTerm[] {
  const { b } = axesOf(shaped.node);
  const value = shaped.node.outputs[0] ?? '';
  const weight = shaped.node.inputs[1] ?? '';
  const factors = [
    { value, axis: 0 },
    { value: weight, axis: b.kept },
    { value: weight, axis: b.summed },
  ];
  return [{ kind: 'macs', coefficient: 1, factors }, ...(shaped.inputs[2] ? elementwiseCost(shaped) : [])];
}

/** Gemm: alpha · A′ · B′ + beta · C, with A′ and B′ transposed where transA and transB say so; C broadcasts. */
export const gemm: Operator = {
  op: 'Gemm',
  parameters: [0, 1, 2],
  layout: 'plain',
  infer: (context) => {
    const { node } = context;
    const [left, right] = [required(context, 0), required(context, 1)];
    const { a, b } = axesOf(node);
    if (left.dims.length !== 2 || right.dims.length !== 2)
      throw mismatch(node, `A [${left.dims}] and B [${right.dims}] should be matrices.`);
    const [m, k] = [left.dims[a.kept] as Dim, left.dims[a.summed] as Dim];
    const [inner, n] = [right.dims[b.summed] as Dim, right.dims[b.kept] as Dim];
    if (typeof k === 'number' && typeof inner === 'number' && k !== inner)
      throw mismatch(node, `A [${left.dims}] and B [${right.dims}] do not fit: ${k} columns against ${inner} rows.`);
    const c = context.inputs[2]?.dims ?? [];
    const fits = (extent: Dim | undefined, of: Dim) => extent === undefined || extent === 1 || extent === of;
    if (c.length > 2 || !fits(c.at(-1), n) || (typeof m === 'number' && !fits(c.at(-2), m)))
      throw mismatch(node, `C [${c}] does not broadcast to [${[m, n]}].`);
    return [{ dtype: left.dtype, dims: [m, n] }];
  },
  run,
  cost,
  linear: ({ node, inputs }) => {
    const scaled = floatAttribute(node, 'alpha', 1) !== 1 || floatAttribute(node, 'beta', 1) !== 1;
    const { a, b } = axesOf(node);
    const bias = inputs[2];
    if (scaled || a.summed !== 1 || (bias && bias.dims.length !== 1)) return undefined;
    return denseLayer({ weight: 1, bias: bias ? 2 : undefined, inputAxis: b.summed === 0 ? 0 : 1 });
  },
  tie: (shaped) => {
    const [left, right] = shaped.inputs;
    const y = shaped.outputs[0];
    const [leftName = '', rightName = ''] = shaped.node.inputs;
    const yName = shaped.node.outputs[0] ?? '';
    if (!left || !right || !y) return [];
    const { a, b } = axesOf(shaped.node);
    return [
      ...tieAxes(wholeAxis(leftName, left, a.summed), wholeAxis(rightName, right, b.summed)),
      ...tieAxes(wholeAxis(leftName, left, a.kept), wholeAxis(yName, y, 0)),
      ...tieAxes(wholeAxis(rightName, right, b.kept), wholeAxis(yName, y, 1)),
      ...tieBroadcast(shaped, [2]),
    ];
  },
};
