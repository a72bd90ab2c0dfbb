/** Every operator that tascnet knows. Adding one is adding its file and a line here. */

import type { Node } from '../graph/graph.js';
import { argMax } from './argmax.js';
import { add, div, mod, mul, pow, sub } from './arithmetic.js';
import { averagePool } from './average-pool.js';
import { batchNormalization } from './batch-normalization.js';
import { cast, castLike } from './cast.js';
import { clip } from './clip.js';
import { and, equal, greater, greaterOrEqual, less, lessOrEqual, not, or } from './comparison.js';
import { concat } from './concat.js';
import { constant, constantOfShape } from './constant.js';
import { conv } from './conv.js';
import { convTranspose } from './conv-transpose.js';
import { cumSum } from './cumsum.js';
import { depthToSpace, spaceToDepth } from './depth-to-space.js';
import { dropout } from './dropout.js';
import { einsum } from './einsum.js';
import { abs, ceil, cos, exp, floor, log, neg, reciprocal, round, sign, sin, sqrt } from './elementary.js';
import { elu, selu } from './elu.js';
import { expand } from './expand.js';
import { eyeLike } from './eye-like.js';
import { flatten } from './flatten.js';
import { gather } from './gather.js';
import { gatherND } from './gather-nd.js';
import { erf, gelu } from './gelu.js';
import { gemm } from './gemm.js';
import { globalAveragePool, globalMaxPool } from './global-pool.js';
import { groupNormalization, instanceNormalization } from './group-normalization.js';
import { identity } from './identity.js';
import { layerNormalization } from './layer-normalization.js';
import { leakyRelu } from './leaky-relu.js';
import { matMul } from './matmul.js';
import { maxPool } from './max-pool.js';
import type { Operator } from './operator.js';
import { pad } from './pad.js';
import { prelu } from './prelu.js';
import { range } from './range.js';
import { reduceL2, reduceMax, reduceMean, reduceMin, reduceSum } from './reduce.js';
import { reduceProd } from './reduce-prod.js';
import { relu } from './relu.js';
import { reshape } from './reshape.js';
import { resize } from './resize.js';
import { scatterND } from './scatter-nd.js';
import { shape, size } from './shape.js';
import { hardSigmoid, hardSwish, sigmoid, tanh } from './sigmoid.js';
import { slice } from './slice.js';
import { logSoftmax, softmax } from './softmax.js';
import { mish, softplus } from './softplus.js';
import { split } from './split.js';
import { squeeze, unsqueeze } from './squeeze.js';
import { tile } from './tile.js';
import { transpose } from './transpose.js';
import { max, mean, min, sum } from './variadic.js';
import { where } from './where.js';

const OPERATORS: readonly Operator[] = [
  abs,
  add,
  and,
  argMax,
  averagePool,
  batchNormalization,
  cast,
  castLike,
  ceil,
  clip,
  concat,
  constant,
  constantOfShape,
  conv,
  convTranspose,
  cos,
  cumSum,
  depthToSpace,
  div,
  dropout,
  einsum,
  elu,
  equal,
  erf,
  exp,
  expand,
  eyeLike,
  flatten,
  floor,
  gather,
  gatherND,
  gelu,
  gemm,
  globalAveragePool,
  globalMaxPool,
  greater,
  greaterOrEqual,
  groupNormalization,
  hardSigmoid,
  hardSwish,
  identity,
  instanceNormalization,
  layerNormalization,
  leakyRelu,
  less,
  lessOrEqual,
  log,
  logSoftmax,
  matMul,
  max,
  maxPool,
  mean,
  min,
  mish,
  mod,
  mul,
  neg,
  not,
  or,
  pad,
  pow,
  prelu,
  range,
  reciprocal,
  reduceL2,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProd,
  reduceSum,
  relu,
  reshape,
  resize,
  round,
  scatterND,
  selu,
  shape,
  sigmoid,
  sign,
  sin,
  size,
  slice,
  softmax,
  softplus,
  spaceToDepth,
  split,
  sqrt,
  squeeze,
  sub,
  sum,
  tanh,
  tile,
  transpose,
  unsqueeze,
  where,
];

const byDomain = new Map<string, Map<string, Operator>>();
for (const operator of OPERATORS) {
  const domain = operator.domain ?? '';
  byDomain.set(domain, (byDomain.get(domain) ?? new Map<string, Operator>()).set(operator.op, operator));
}

/** The operator of a node, or undefined when it is not known. */
export function operatorOf(node: Node): Operator | undefined {
  return byDomain.get(node.domain === 'ai.onnx' ? '' : node.domain)?.get(node.op);
}

/** The names of all known operators, sorted. */
export function knownOperators(): string[] {
  return OPERATORS.map((operator) => operator.op).sort();
}
