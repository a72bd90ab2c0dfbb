/**
 * The bytes of an ONNX model of one node, written without the library's own writer, so that operators are tested
 * against ONNX Runtime alone. Field numbers are those of onnx.proto.
 */

import type { Attribute, Node } from '../../lib/graph/graph.js';
import type { DataType, Tensor } from '../../lib/graph/tensor.js';

const DATA_TYPES: Record<DataType, number> = {
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

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const integer = (field: number, value: number | bigint) => Buffer.concat([varint(field << 3), varint(value)]);

function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), bytes]);
}

function bytes(field: number, value: Uint8Array | string): Buffer {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
}

const message = (field: number, ...parts: Buffer[]) => bytes(field, Buffer.concat(parts));

function tensor(field: number, name: string, value: Tensor): Buffer {
  if (value.dtype === 'string') throw new Error('Tensors of strings are not written here.');
  return message(
    field,
    ...value.dims.map((extent) => integer(1, extent)),
    integer(2, DATA_TYPES[value.dtype]),
    bytes(8, name),
    bytes(9, new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength)),
  );
}

function attribute(name: string, value: Attribute): Buffer {
  const parts = [bytes(1, name)];
  if (value.type === 'int') parts.push(integer(3, value.value), integer(20, 2));
  else if (value.type === 'float') parts.push(float(2, value.value), integer(20, 1));
  else if (value.type === 'string') parts.push(bytes(4, value.value), integer(20, 3));
  else if (value.type === 'ints') parts.push(...value.value.map((int) => integer(8, int)), integer(20, 7));
  else if (value.type === 'floats') parts.push(...value.value.map((x) => float(7, x)), integer(20, 6));
  else if (value.type === 'strings') parts.push(...value.value.map((text) => bytes(9, text)), integer(20, 8));
  else if (value.type === 'tensor') parts.push(tensor(5, '', value.value), integer(20, 4));
  else throw new Error(`Attribute ${name} cannot be written here.`);
  return message(5, ...parts);
}

function valueInfo(field: number, name: string, dtype: DataType, dims: readonly number[]): Buffer {
  const shape = message(2, ...dims.map((extent) => message(1, integer(1, extent))));
  return message(field, bytes(1, name), message(2, message(1, integer(1, DATA_TYPES[dtype]), shape)));
}

/** A model of `node`; the `tensors` of its inputs become initializers where `constant` has their name, else inputs. */
export function oneNodeModel(
  node: Node,
  opset: number,
  tensors: ReadonlyMap<string, Tensor>,
  constant: ReadonlySet<string>,
): Uint8Array {
  const named = [...tensors];
  const graph = message(
    7,
    message(
      1,
      ...node.inputs.map((input) => bytes(1, input)),
      ...node.outputs.map((output) => bytes(2, output)),
      bytes(3, node.name),
      bytes(4, node.op),
      ...Object.entries(node.attributes).map(([name, value]) => attribute(name, value)),
      bytes(7, node.domain),
    ),
    bytes(2, 'one-node'),
    ...named.flatMap(([name, value]) => (constant.has(name) ? [tensor(5, name, value)] : [])),
    ...named.flatMap(([name, { dtype, dims }]) => (constant.has(name) ? [] : [valueInfo(11, name, dtype, dims)])),
    ...node.outputs.filter((output) => output !== '').map((output) => message(12, bytes(1, output))),
  );
  const domains = node.domain === '' ? [] : [message(8, bytes(1, node.domain), integer(2, 1))];
  return Buffer.concat([integer(1, 9), graph, message(8, bytes(1, ''), integer(2, opset)), ...domains]);
}
