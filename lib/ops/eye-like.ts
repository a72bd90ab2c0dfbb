/** EyeLike (ONNX spec): ones on a diagonal of a matrix of the input's shape. */

import { intAttribute } from '../graph/attributes.js';
import { isConcrete } from './broadcast.js';
import { dataTypeOfCode, engineType } from './cast.js';
import {
  MAX_KNOWN_ELEMENTS,
  mismatch,
  type Operator,
  required,
  requiredTensor,
  tieAxes,
  wholeAxis,
} from './operator.js';

function diagonal(rows: number, columns: number, k: number): number[] {
  return Array.from({ length: rows * columns }, (_, at) => Number((at % columns) - Math.floor(at / columns) === k));
}

export const eyeLike: Operator = {
  op: 'EyeLike',
  layout: 'plain',
  infer: (context) => {
    const { dims, dtype } = required(context, 0);
    if (dims.length !== 2) throw mismatch(context.node, `a matrix was expected, but its input is [${dims}].`);
    const [rows, columns] = dims;
    const few = isConcrete(dims) && Number(rows) * Number(columns) <= MAX_KNOWN_ELEMENTS;
    const elements = few ? diagonal(Number(rows), Number(columns), intAttribute(context.node, 'k', 0)) : undefined;
    return [{ dtype: dataTypeOfCode(intAttribute(context.node, 'dtype', 0)) ?? dtype, dims, elements }];
  },
  run: (context) => {
    const [rows = 0, columns = 0] = requiredTensor(context, 0).shape;
    const ones = diagonal(rows, columns, intAttribute(context.node, 'k', 0));
    return [context.tf.tensor2d(ones, [rows, columns], engineType(context.outputs[0]?.dtype ?? 'float32'))];
  },
  cost: () => [],
  // Rows and columns go together, and with those of the input.
  tie: ({ node, inputs, outputs }) => {
    const [from, to] = [inputs[0], outputs[0]];
    const [input = '', output = ''] = [node.inputs[0], node.outputs[0]];
    if (!from || !to) return [];
    const reason = 'the diagonal of ones lies beside the main one';
    const square = to.dims[0] === to.dims[1] && intAttribute(node, 'k', 0) === 0;
    if (!square) return [0, 1].map((axis) => ({ kind: 'pin', at: { value: output, axis }, reason }));
    const [rows, columns] = [wholeAxis(output, to, 0), wholeAxis(output, to, 1)];
    return [rows, wholeAxis(input, from, 0), wholeAxis(input, from, 1)].flatMap((other) => tieAxes(columns, other));
  },
};
