import { intAttribute } from '../graph/attributes.js';
import type { DataType } from '../graph/tensor.js';
import { withoutGradient } from './broadcast.js';
import { rounded } from './elements.js';
import { type InferContext, mismatch, type Operator, required, requiredTensor, tieElementwise } from './operator.js';

/** TensorProto.DataType by number (onnx.proto3). */
const TYPES: Record<number, DataType> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
  16: 'bfloat16',
};

export function dataTypeOfCode(code: number): DataType | undefined {
  return TYPES[code];
}

/** The type in which the engine computes: it knows single floats, 32-bit integers and booleans. */
export function engineType(dtype: DataType): 'float32' | 'int32' | 'bool' {
  if (dtype === 'bool') return 'bool';
  return /float/.test(dtype) ? 'float32' : 'int32';
}

/** The type that a node casts to; that of `Cast` is an attribute, that of `CastLike` is input 1's. */
function target({ node, inputs }: InferContext): DataType {
  const dtype = node.op === 'CastLike' ? inputs[1]?.dtype : TYPES[intAttribute(node, 'to', 0)];
  if (!dtype) throw mismatch(node, 'it names no type that is known here.');
  return dtype;
}

/** Cast: to another element type; floats are cut off towards zero. */
export const cast: Operator = {
  op: 'Cast',
  infer: (context) => {
    const { dims, elements } = required(context, 0);
    const dtype = target(context);
    const kind = engineType(dtype);
    const converted = elements?.map((x) => {
      if (typeof x === 'string') return kind === 'bool' ? context.unknown() : x;
      if (kind === 'bool') return Number(x !== 0);
      return kind === 'int32' ? Math.trunc(x) : rounded(x, dtype);
    });
    return [{ dtype, dims, elements: converted }];
  },
  run: (context) => {
    const x = requiredTensor(context, 0);
    const dtype = engineType(context.outputs[0]?.dtype ?? 'float32');
    if (x.dtype === dtype) return [context.tf.clone(x)];
    if (dtype === 'float32') return [context.tf.cast(x, dtype)];
    return [withoutGradient(context.tf, [x], (input) => context.tf.cast(input, dtype))];
  },
  cost: () => [],
  tie: (shaped) => tieElementwise(shaped, 0),
};

/** CastLike: to the element type of input 1. */
export const castLike: Operator = { ...cast, op: 'CastLike' };
