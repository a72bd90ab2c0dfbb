/**
 * Constant tensors: initializers and tensor attributes of a `Graph`, in ONNX logical order (NCHW, OIHW), row-major.
 */

import { TascnetError } from '../errors.js';

/** The typed array that holds each data type. float16 weights are widened to float32 when a model is read. */
export interface DataTypes {
  float32: Float32Array;
  float64: Float64Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  /** Raw bits. Models are read without them: what is float16 or bfloat16 in the file becomes float32. */
  float16: Uint16Array;
  bfloat16: Uint16Array;
  /** Not representable as numbers: kept for the type only. */
  string: string[];
}

export type DataType = keyof DataTypes;

export type TensorOf<T extends DataType> = { dtype: T; dims: number[]; data: DataTypes[T] };

/** A constant. `data.length` equals the product of `dims` (1 for a scalar, `dims` = []). Treat it as immutable. */
export type Tensor = { [T in DataType]: TensorOf<T> }[DataType];

/** The number of elements of a shape. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, extent) => product * extent, 1);
}

export function float32(dims: number[], data: Float32Array | readonly number[]): TensorOf<'float32'> {
  return checked({ dtype: 'float32', dims, data: data instanceof Float32Array ? data : Float32Array.from(data) });
}

export function int64(dims: number[], values: readonly number[]): TensorOf<'int64'> {
  return checked({ dtype: 'int64', dims, data: BigInt64Array.from(values, BigInt) });
}

/** The elements as numbers: exact for int64 within ±2^53. */
export function numbersOf(tensor: Tensor): number[] {
  if (tensor.dtype === 'string') throw new TascnetError('A tensor of strings has no numeric elements.');
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** The elements of a float32 tensor; `what` names it in the error otherwise. */
export function float32Data(tensor: Tensor, what: string): Float32Array {
  if (tensor.dtype !== 'float32') throw new TascnetError(`${what} is ${tensor.dtype}; float32 was expected.`);
  return tensor.data;
}

function checked<T extends Tensor>(tensor: T): T {
  if (tensor.data.length !== sizeOf(tensor.dims))
    throw new TascnetError(
      `A tensor of shape [${tensor.dims}] needs ${sizeOf(tensor.dims)} elements, got ${tensor.data.length}.`,
    );
  return tensor;
}
