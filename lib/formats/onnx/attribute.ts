/** AttributeProto ↔ Attribute. What is not understood stays opaque: the bytes that were read are the bytes written. */

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { messageOf, TascnetError } from '../../errors.js';
import type { Attribute } from '../../graph/graph.js';
import { dataTypeOf } from './data-types.js';
import { type AttributeProto, AttributeProtoSchema } from './generated/onnx_pb.js';
import { type TensorSource, tensorOf } from './tensor.js';
import { tensorProto } from './tensor-proto.js';

/** AttributeProto.AttributeType. */
const TYPE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8, graphs: 10 } as const;

const MAX_INT64 = 2n ** 63n - 1n;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A serialised attribute, with its name. @param node how to call the node in errors, such as `Conv "conv1"`. */
export function readAttribute(bytes: Uint8Array, node: string, source: TensorSource): [name: string, value: Attribute] {
  let proto: AttributeProto;
  try {
    proto = fromBinary(AttributeProtoSchema, bytes);
  } catch (error) {
    throw new TascnetError(`${node}: an attribute cannot be decoded (${messageOf(error)}).`, { cause: error });
  }
  const { name } = proto;
  if (name === '') throw new TascnetError(`${node}: an attribute has no name.`);
  if (proto.type === TYPE.graph || proto.type === TYPE.graphs || proto.g.length > 0 || proto.graphs.length > 0)
    throw new TascnetError(`${node}: attribute ${name} is a sub-graph; control flow inside a model is not supported.`, {
      hint: 'Export the model for inference with fixed control flow, or simplify it so that the branches are folded away.',
    });
  if (proto.refAttrName !== '')
    throw new TascnetError(`${node}: attribute ${name} refers to a function's parameter outside of a function.`);
  return [name, attributeOf(proto, bytes, `${node}, attribute ${name}`, source)];
}

function attributeOf(proto: AttributeProto, bytes: Uint8Array, what: string, source: TensorSource): Attribute {
  const opaque = (): Attribute => ({ type: 'opaque', value: new Uint8Array(bytes) });
  switch (proto.type === 0 ? impliedType(proto) : proto.type) {
    case TYPE.float:
      return { type: 'float', value: proto.f };
    case TYPE.int:
      return { type: 'int', value: Number(proto.i) };
    case TYPE.floats:
      return { type: 'floats', value: proto.floats };
    case TYPE.ints:
      return { type: 'ints', value: proto.ints.map(Number) };
    case TYPE.string: {
      const value = decoded(proto.s);
      return value === undefined ? opaque() : { type: 'string', value };
    }
    case TYPE.strings: {
      const value = proto.strings.map(decoded);
      return value.some((text) => text === undefined) ? opaque() : { type: 'strings', value: value as string[] };
    }
    case TYPE.tensor:
      if (!proto.t) throw new TascnetError(`${what}: it should be a tensor, but holds none.`);
      if (!dataTypeOf(proto.t.dataType)) return opaque();
      return { type: 'tensor', value: tensorOf(proto.t, what, { ...source, owned: false }) };
    default:
      return opaque();
  }
}

/** Files before IR version 4 may leave the type out. */
function impliedType(proto: AttributeProto): number {
  if (proto.t) return TYPE.tensor;
  if (proto.ints.length > 0) return TYPE.ints;
  if (proto.floats.length > 0) return TYPE.floats;
  if (proto.strings.length > 0) return TYPE.strings;
  if (proto.s.length > 0) return TYPE.string;
  if (proto.f !== 0) return TYPE.float;
  if (proto.i !== 0n) return TYPE.int;
  return 0;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The serialised attribute. */
export function writeAttribute(name: string, attribute: Attribute): Uint8Array {
  if (attribute.type === 'opaque') return attribute.value;
  const proto = create(AttributeProtoSchema, { name, type: TYPE[attribute.type] });
  const encode = (text: string) => new TextEncoder().encode(text);
  if (attribute.type === 'float') proto.f = attribute.value;
  else if (attribute.type === 'int') proto.i = bigintOf(attribute.value);
  else if (attribute.type === 'floats') proto.floats = attribute.value;
  else if (attribute.type === 'ints') proto.ints = attribute.value.map(bigintOf);
  else if (attribute.type === 'string') proto.s = encode(attribute.value);
  else if (attribute.type === 'strings') proto.strings = attribute.value.map(encode);
  else proto.t = tensorProto('', attribute.value);
  return toBinary(AttributeProtoSchema, proto);
}

/** "To the end" is written as the largest int64, which as a number was rounded up out of its range. */
function bigintOf(value: number): bigint {
  const integer = BigInt(value);
  return integer > MAX_INT64 ? MAX_INT64 : integer;
}
