/** Tensor → TensorProto. */

import { create } from '@bufbuild/protobuf';
import type { Tensor } from '../../graph/tensor.js';
import { codeOf } from './data-types.js';
import { type TensorProto, TensorProtoSchema } from './generated/onnx_pb.js';

/** The bytes of a tensor's elements, looked at in place. A tensor of strings has none. */
export function bytesOf(tensor: Tensor): Uint8Array {
  if (tensor.dtype === 'string') return new Uint8Array(0);
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

/** Everything of a tensor but its elements; strings are included. */
export function tensorHeader(name: string, tensor: Tensor): TensorProto {
  const proto = create(TensorProtoSchema, { name, dims: tensor.dims.map(BigInt), dataType: codeOf(tensor.dtype) });
  if (tensor.dtype === 'string') proto.stringData = tensor.data.map((text) => new TextEncoder().encode(text));
  return proto;
}

export function tensorProto(name: string, tensor: Tensor): TensorProto {
  const proto = tensorHeader(name, tensor);
  proto.rawData = bytesOf(tensor);
  return proto;
}
