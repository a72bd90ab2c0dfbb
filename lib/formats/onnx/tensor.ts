/** TensorProto → Tensor, without copying the weights where they can be looked at in place. */

import { TascnetError } from '../../errors.js';
import { type DataType, type DataTypes, sizeOf, type Tensor } from '../../graph/tensor.js';
import { BYTES, dataTypeOf, nameOfCode } from './data-types.js';
import { type ExternalData, externalLocation } from './external-data.js';
import type { TensorProto } from './generated/onnx_pb.js';
import { widenBfloat16, widenFloat16 } from './half.js';

type NumericType = Exclude<DataType, 'string'>;

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
} satisfies { [T in NumericType]: new (buffer: ArrayBuffer, offset: number, length: number) => DataTypes[T] };

const EXTERNAL = 1;

export interface TensorSource {
  external: ExternalData;
  /** The serialised model is ours alone, so that its framing may be overwritten. */
  owned: boolean;
}

/**
 * The constant that a TensorProto holds; float16 and bfloat16 widened to float32.
 * @param name how the person knows it.
 * @throws TascnetError when its data does not match its shape and type, or cannot be read.
 */
export function tensorOf(proto: TensorProto, name: string, source: TensorSource): Tensor {
  const dtype = dataTypeOf(proto.dataType);
  if (!dtype)
    throw new TascnetError(`Tensor "${name}" has the data type ${nameOfCode(proto.dataType)}, which is not supported.`);
  const dims = dimsOf(proto, name);
  if (proto.segment.length > 0)
    throw new TascnetError(`Tensor "${name}" is split into segments; that is not supported.`);
  const count = sizeOf(dims);
  if (dtype === 'string') return { dtype, dims, data: stringsOf(proto, name, count) };
  const bytes = count * BYTES[dtype];
  if (proto.dataLocation === EXTERNAL) {
    const where = externalLocation(name, proto.externalData);
    return widen(view(dtype, dims, count, source.external.read(name, where, bytes), false));
  }
  if (proto.rawData.length > 0) {
    if (proto.rawData.length !== bytes)
      throw new TascnetError(
        `Tensor "${name}" of shape [${dims}] and type ${dtype} needs ${bytes} bytes, but the file has ${proto.rawData.length}.`,
      );
    return widen(view(dtype, dims, count, proto.rawData, source.owned));
  }
  const typed = typedValues(proto, dtype);
  if (typed.length !== count)
    throw new TascnetError(
      `Tensor "${name}" of shape [${dims}] and type ${dtype} needs ${count} elements, but the file has ${typed.length}.`,
    );
  return widen(fromTyped(dtype, dims, typed));
}

function dimsOf(proto: TensorProto, name: string): number[] {
  const dims = proto.dims.map(Number);
  // Any product beyond 2^53 is no longer exact, and no array is that long.
  if (dims.some((extent) => extent < 0 || !Number.isSafeInteger(extent)) || !Number.isSafeInteger(sizeOf(dims) * 8))
    throw new TascnetError(`Tensor "${name}" has an impossible shape: [${proto.dims}].`);
  return dims;
}

function stringsOf(proto: TensorProto, name: string, count: number): string[] {
  if (proto.stringData.length !== count)
    throw new TascnetError(
      `Tensor "${name}" needs ${count} strings, but the file has ${proto.stringData.length} of them.`,
    );
  return proto.stringData.map((bytes) => new TextDecoder().decode(bytes));
}

function typedValues(proto: TensorProto, dtype: NumericType): readonly (number | bigint)[] {
  if (dtype === 'float32') return proto.floatData;
  if (dtype === 'float64') return proto.doubleData;
  if (dtype === 'int64') return proto.int64Data;
  if (dtype === 'uint32' || dtype === 'uint64') return proto.uint64Data;
  return proto.int32Data;
}

function fromTyped(dtype: NumericType, dims: number[], values: readonly (number | bigint)[]): Tensor {
  if (dtype === 'int64') return { dtype, dims, data: BigInt64Array.from(values, BigInt) };
  if (dtype === 'uint64') return { dtype, dims, data: BigUint64Array.from(values, BigInt) };
  // uint32 comes as uint64, hence as bigint; the others are numbers already.
  const numbers = dtype === 'uint32' ? values.map(Number) : (values as readonly number[]);
  return { dtype, dims, data: ARRAYS[dtype].from(numbers) } as Tensor;
}

/** A typed array over `bytes` where it is aligned for the type, or can be made so; else over a copy. */
function view(dtype: NumericType, dims: number[], count: number, bytes: Uint8Array, owned: boolean): Tensor {
  const size = BYTES[dtype];
  const shift = bytes.byteOffset % size;
  let aligned = bytes;
  if (shift !== 0) {
    // The payload moves over its own tag and length, which have been read: 1 + 2 bytes or more from 128 bytes on.
    if (owned && shift <= 3 && bytes.length >= 128) {
      const wider = new Uint8Array(bytes.buffer, bytes.byteOffset - shift, bytes.length + shift);
      wider.copyWithin(0, shift);
      aligned = wider.subarray(0, bytes.length);
    } else aligned = new Uint8Array(bytes);
  }
  const buffer = aligned.buffer as ArrayBuffer;
  return { dtype, dims, data: new ARRAYS[dtype](buffer, aligned.byteOffset, count) } as Tensor;
}

function widen(tensor: Tensor): Tensor {
  const { dims } = tensor;
  if (tensor.dtype === 'float16') return { dtype: 'float32', dims, data: widenFloat16(tensor.data) };
  if (tensor.dtype === 'bfloat16') return { dtype: 'float32', dims, data: widenBfloat16(tensor.data) };
  return tensor;
}
