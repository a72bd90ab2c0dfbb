/** Constants of a graph as tensors on the engine, and back. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { TascnetError } from '../errors.js';
import { sizeOf, type Tensor } from '../graph/tensor.js';
import type { Tf, ValueType } from '../ops/operator.js';

const MAX_INT32 = 2 ** 31 - 1;

/**
 * An initializer in ONNX logical order. 64-bit integers become int32; those outside its range, such as the end of an
 * open slice, become its bounds.
 */
export function residentTensor(tf: Tf, tensor: Tensor, name: string): tfjs.Tensor {
  const { dtype, dims, data } = tensor;
  switch (dtype) {
    case 'float32':
      return tf.tensor(data, dims, 'float32');
    case 'float64':
      return tf.tensor(Float32Array.from(data), dims, 'float32');
    case 'bool':
      return tf.tensor(data, dims, 'bool');
    case 'int8':
    case 'uint8':
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'uint64':
      return tf.tensor(
        Int32Array.from(data as ArrayLike<number | bigint>, (value) => clampToInt32(Number(value))),
        dims,
        'int32',
      );
    case 'float16':
    case 'bfloat16':
    case 'string':
      throw new TascnetError(`Initializer "${name}" is ${dtype}, which the engine cannot compute with.`);
  }
}

/** A value known from shape inference alone; undefined when some of its elements are not known. */
export function knownTensor(tf: Tf, type: ValueType): tfjs.Tensor | undefined {
  const { dtype, elements } = type;
  if (!elements?.every((element) => typeof element === 'number')) return undefined;
  const dims = type.dims.filter((dim) => typeof dim === 'number');
  if (dims.length !== type.dims.length || sizeOf(dims) !== elements.length) return undefined;
  if (dtype === 'float32' || dtype === 'float64') return tf.tensor(Float32Array.from(elements), dims, 'float32');
  if (dtype === 'bool') return tf.tensor(Uint8Array.from(elements), dims, 'bool');
  return tf.tensor(Int32Array.from(elements, clampToInt32), dims, 'int32');
}

function clampToInt32(value: number): number {
  return Math.max(-MAX_INT32 - 1, Math.min(MAX_INT32, value));
}
