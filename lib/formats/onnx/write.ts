/** Writes a `Graph` as an ONNX model, without copying the weights: framing is made around them, and streamed. */

import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { TascnetError } from '../../errors.js';
import type { Graph, Node, ValueInfo } from '../../graph/graph.js';
import type { Tensor } from '../../graph/tensor.js';
import { writeAtomically } from '../../journal/whole-file.js';
import { writeAttribute } from './attribute.js';
import { writeChunks } from './chunks.js';
import { codeOf } from './data-types.js';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.js';
import { bytesOf, tensorHeader } from './tensor-proto.js';

/** Protocol Buffers end there; some readers count in int32. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;
/** Smaller tensors stay in the model, where readers find sizes and axes at once. */
const MIN_EXTERNAL_BYTES = 1024;
/** The ONNX specification asks for page-aligned offsets, so that readers can map the file into memory. */
const PAGE = 4096;

const FIELD = { modelGraph: 7, graphInitializer: 5, tensorRaw: 9 } as const;

export interface WriteOptions {
  /** Keep the weights in a file of their own beside the model (`NAME.data`). Default: only where 2 GiB are exceeded. */
  externalData?: boolean;
  /** Told where the whole model lies before it gets its name; what it throws keeps it from getting it. */
  check?: ((path: string) => Promise<void>) | undefined;
}

/** Where a tensor's bytes go in the data file. */
interface External {
  file: string;
  offsets: Map<string, number>;
}

/** The bytes of a model file. @throws TascnetError when they exceed 2 GiB: write such a model to a file. */
export function encodeOnnx(graph: Graph): Uint8Array {
  const chunks = modelChunks(graph);
  const bytes = new Uint8Array(checkedLength(chunks));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/**
 * Writes a model under a temporary name, then renames it: the file at `file` is the old one or the whole new one.
 * @throws TascnetError when the file cannot be written; what `check` throws.
 */
export async function writeOnnx(graph: Graph, file: string, options: WriteOptions = {}): Promise<void> {
  const { externalData, check } = options;
  if (externalData !== true) {
    const chunks = modelChunks(graph);
    if (externalData === false || lengthOf(chunks) <= MAX_MODEL_BYTES) {
      checkedLength(chunks);
      await writeAtomically(file, (handle) => writeChunks(handle, chunks), check);
      return;
    }
  }
  await writeWithExternalData(graph, file, check);
}

async function writeWithExternalData(graph: Graph, file: string, check: WriteOptions['check']): Promise<void> {
  const data = await freeName(`${file}.data`);
  const external: External = { file: path.basename(data), offsets: new Map() };
  const chunks: Uint8Array[] = [];
  let end = 0;
  for (const [name, tensor] of graph.initializers) {
    const bytes = bytesOf(tensor);
    if (bytes.length < MIN_EXTERNAL_BYTES) continue;
    const gap = (PAGE - (end % PAGE)) % PAGE;
    if (gap > 0) chunks.push(new Uint8Array(gap));
    chunks.push(bytes);
    external.offsets.set(name, end + gap);
    end += gap + bytes.length;
  }
  const model = modelChunks(graph, external);
  checkedLength(model);
  // The old model keeps its old data until the new model takes its place.
  await writeAtomically(data, (handle) => writeChunks(handle, chunks));
  try {
    await writeAtomically(file, (handle) => writeChunks(handle, model), check);
  } catch (error) {
    await rm(data, { force: true });
    throw error;
  }
  const usual = `${file}.data`;
  if (data !== usual) await rm(usual, { force: true });
}

/** `name`, or with a number where a model that is to be replaced has data of that name. */
async function freeName(name: string): Promise<string> {
  let candidate = name;
  for (let number = 1; ; number++) {
    try {
      await stat(candidate);
    } catch {
      return candidate;
    }
    candidate = `${name}${number}`;
  }
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function checkedLength(chunks: readonly Uint8Array[]): number {
  const length = lengthOf(chunks);
  if (length > MAX_MODEL_BYTES)
    throw new TascnetError(`The model has ${length} bytes, but an ONNX model file cannot exceed 2 GiB.`, {
      hint: 'Write it to a file with external data.',
    });
  return length;
}

function modelChunks(graph: Graph, external?: External): Uint8Array[] {
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(irVersion(graph.opset)),
    producerName: 'tascnet',
    opsetImport: [
      { domain: '', version: BigInt(graph.opset) },
      ...Object.entries(graph.domains).map(([domain, version]) => ({ domain, version: BigInt(version) })),
    ],
    metadataProps: Object.entries(graph.metadata).map(([key, value]) => ({ key, value })),
  });
  const body = create(GraphProtoSchema, {
    name: graph.name === '' ? 'graph' : graph.name,
    node: graph.nodes.map(nodeProto),
    input: graph.inputs.map(valueInfoProto),
    output: graph.outputs.map(valueInfoProto),
  });
  // Fields of a message may come in any order and in pieces: the initializers follow the rest of the graph.
  const chunks: Uint8Array[] = [toBinary(GraphProtoSchema, body)];
  for (const [name, tensor] of graph.initializers) chunks.push(...tensorChunks(name, tensor, external));
  return [toBinary(ModelProtoSchema, model), framing(FIELD.modelGraph, lengthOf(chunks)), ...chunks];
}

function tensorChunks(name: string, tensor: Tensor, external: External | undefined): Uint8Array[] {
  const header = tensorHeader(name, tensor);
  const bytes = bytesOf(tensor);
  const offset = external?.offsets.get(name);
  if (external && offset !== undefined) {
    header.dataLocation = 1;
    const entries = { location: external.file, offset: `${offset}`, length: `${bytes.length}` };
    header.externalData = Object.entries(entries).map(([key, value]) => ({
      $typeName: 'tascnet.onnx.StringStringEntryProto',
      key,
      value,
    }));
  }
  const head = toBinary(TensorProtoSchema, header);
  if (offset !== undefined || tensor.dtype === 'string') return [framing(FIELD.graphInitializer, head.length), head];
  const raw = framing(FIELD.tensorRaw, bytes.length);
  return [framing(FIELD.graphInitializer, head.length + raw.length + bytes.length), head, raw, bytes];
}

/** Tag and length of a length-delimited field (Protocol Buffers' encoding, wire type 2). */
function framing(field: number, length: number): Uint8Array {
  const bytes = [(field << 3) | 2];
  let rest = length;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** The oldest IR version that allows an opset (ONNX's Versioning.md), for the sake of old readers. */
function irVersion(opset: number): number {
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  return opset <= 22 ? 10 : 11;
}

function nodeProto(node: Node) {
  return create(NodeProtoSchema, {
    input: node.inputs,
    output: node.outputs,
    name: node.name,
    opType: node.op,
    domain: node.domain,
    attribute: Object.entries(node.attributes).map(([name, value]) => writeAttribute(name, value)),
  });
}

function valueInfoProto({ name, dtype, dims }: ValueInfo) {
  const dim = dims?.map((extent) => ({
    value:
      typeof extent === 'number'
        ? { case: 'dimValue' as const, value: BigInt(extent) }
        : { case: 'dimParam' as const, value: extent },
  }));
  const tensorType = { elemType: codeOf(dtype), ...(dim ? { shape: { dim } } : {}) };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: tensorType } } });
}
