/** TensorProto.DataType of the ONNX specification: codes, names and element sizes. */

import type { DataType } from '../../graph/tensor.js';

const CODES: Record<DataType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

const UNSUPPORTED = new Map([
  [0, 'undefined'],
  [14, 'complex64'],
  [15, 'complex128'],
  [17, 'float8e4m3fn'],
  [18, 'float8e4m3fnuz'],
  [19, 'float8e5m2'],
  [20, 'float8e5m2fnuz'],
  [21, 'uint4'],
  [22, 'int4'],
  [23, 'float4e2m1'],
]);

const byCode = new Map(Object.entries(CODES).map(([name, code]) => [code, name as DataType]));

/** Bytes of one element; a string has no fixed size. */
export const BYTES: Record<Exclude<DataType, 'string'>, number> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
  uint32: 4,
  uint64: 8,
  bfloat16: 2,
};

export function codeOf(dtype: DataType): number {
  return CODES[dtype];
}

/** The data type of a code; undefined when tascnet has none for it. */
export function dataTypeOf(code: number): DataType | undefined {
  return byCode.get(code);
}

/** How the specification calls a code, for error messages. */
export function nameOfCode(code: number): string {
  return byCode.get(code) ?? UNSUPPORTED.get(code) ?? `number ${code}`;
}

/** float16 and bfloat16 models are computed in float32. */
export function widened(dtype: DataType): DataType {
  return dtype === 'float16' || dtype === 'bfloat16' ? 'float32' : dtype;
}
