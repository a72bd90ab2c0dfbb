/** Reads ONNX models into a `Graph`. */

import path from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { messageOf, TascnetError } from '../../errors.js';
import type { Attribute, Dim, Graph, Node, ValueInfo } from '../../graph/graph.js';
import { inTopologicalOrder } from '../../graph/order.js';
import type { Tensor } from '../../graph/tensor.js';
import { validateGraph } from '../../graph/validate.js';
import { inFile, readModelFile } from '../files.js';
import { readAttribute } from './attribute.js';
import { dataTypeOf, nameOfCode, widened } from './data-types.js';
import { externalData } from './external-data.js';
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from './generated/onnx_pb.js';
import { type TensorSource, tensorOf } from './tensor.js';
import { upgrade } from './upgrade.js';

const OLDEST_OPSET = 7;
const NEWEST_OPSET = 23;
/** `Graph` has the semantics of this opset or a later one. */
const GRAPH_OPSET = 18;
/** Protocol Buffers end there; larger models keep their weights in external data. */
const MAX_MODEL_BYTES = 2 ** 31;

export interface DecodeOptions {
  /** The folder in which external data is looked for; without it, external data is an error. */
  externalRoot?: string;
}

/**
 * Reads a model. Weights are views of the file's bytes, read once; float16 and bfloat16 ones are widened to float32, and
 * an all-float16 model so becomes a float32 one. Opsets 7 to 23 are read; below 18, nodes are brought to its semantics.
 * @throws TascnetError naming the file and the node or tensor: not ONNX, truncated, a cycle, a tensor whose bytes do not
 * match its shape, external data outside the folder, sub-graphs, functions, sparse tensors.
 */
export async function readOnnx(file: string): Promise<Graph> {
  return inFile(file, async () => {
    const bytes = readModelFile(file, 'an ONNX model', MAX_MODEL_BYTES);
    return decode(bytes, { external: externalData(path.dirname(file)), owned: true });
  });
}

/** As `readOnnx`, from the bytes of a model file, which are not changed and must not change as long as the graph is used. */
export function decodeOnnx(bytes: Uint8Array, { externalRoot }: DecodeOptions = {}): Graph {
  return decode(bytes, { external: externalData(externalRoot), owned: false });
}

function decode(bytes: Uint8Array, source: TensorSource): Graph {
  const model = modelOf(bytes);
  const proto = model.graph;
  if (!proto || model.irVersion <= 0n || model.opsetImport.length === 0)
    throw new TascnetError('this is not an ONNX model, or only a part of one.', { hint: NOT_ONNX_HINT });
  if (proto.sparseInitializer.length > 0)
    throw new TascnetError('the model has sparse initializers; only dense ones are supported.', {
      hint: 'Export it with dense weights.',
    });
  const domains = new Map(model.opsetImport.map(({ domain, version }) => [standard(domain), Number(version)]));
  const opset = domains.get('') ?? GRAPH_OPSET;
  if (opset < OLDEST_OPSET || opset > NEWEST_OPSET)
    throw new TascnetError(
      `the model uses operator set ${opset}; ${OLDEST_OPSET} to ${NEWEST_OPSET} are supported (13 to 21 best).`,
      { hint: 'Export it again with opset_version=18, or convert it with onnx.version_converter.' },
    );
  domains.delete('');
  const functions = new Set(model.functions.map(({ domain, name }) => `${standard(domain)}:${name}`));
  const nodes = nodesOf(proto, source);
  const call = nodes.find((node) => functions.has(`${node.domain}:${node.op}`));
  if (call)
    throw new TascnetError(`node "${call.name}" calls the model's own function ${call.op}; that is not supported.`, {
      hint: 'Inline the functions first: onnx.inliner.inline_local_functions.',
    });
  const initializers = initializersOf(proto, source);
  const symbols = freshSymbols(proto);
  const graph: Graph = {
    name: proto.name,
    opset: Math.max(GRAPH_OPSET, opset),
    domains: Object.fromEntries(domains),
    nodes: inTopologicalOrder(nodes),
    inputs: proto.input.filter(({ name }) => !initializers.has(name)).map((info) => valueInfo(info, symbols)),
    outputs: proto.output.map((info) => valueInfo(info, symbols)),
    initializers,
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
  };
  validateGraph(graph);
  return upgrade(graph, opset);
}

const NOT_ONNX_HINT =
  'Check that the file was downloaded or copied completely, and that it is an ONNX model (not a PyTorch or Keras file, or the web page of a download).';

function modelOf(bytes: Uint8Array): ModelProto {
  if (bytes.length === 0) throw new TascnetError('the file is empty; an ONNX model was expected.');
  try {
    // Unknown fields of the messages have no place in a Graph.
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    throw new TascnetError(`this is not an ONNX model, or it is truncated (${messageOf(error)}).`, {
      hint: NOT_ONNX_HINT,
      cause: error,
    });
  }
}

function standard(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function nodesOf(proto: GraphProto, source: TensorSource): Node[] {
  const taken = new Set(proto.node.map(({ name }) => name));
  const used = new Set<string>();
  return proto.node.map((node, index) => {
    if (node.opType === '') throw new TascnetError(`node ${index} ("${node.name}") has no operator.`);
    const base = node.name === '' ? `${node.opType}_${index}` : node.name;
    let name = base;
    // A made-up name must not meet one that the file gives; names that the file repeats are told apart.
    const first = node.name !== '' && !used.has(base);
    for (let suffix = 1; !first && (taken.has(name) || used.has(name)); suffix++) name = `${base}_${suffix}`;
    used.add(name);
    return nodeOf(node, name, source);
  });
}

function nodeOf(proto: NodeProto, name: string, source: TensorSource): Node {
  const what = `${proto.opType} "${name}"`;
  const attributes = new Map<string, Attribute>();
  for (const bytes of proto.attribute) {
    const [key, value] = readAttribute(bytes, what, source);
    if (attributes.has(key)) throw new TascnetError(`${what} has the attribute ${key} twice.`);
    attributes.set(key, value);
  }
  return {
    name,
    op: proto.opType,
    domain: standard(proto.domain),
    inputs: withoutTrailing(proto.input),
    outputs: withoutTrailing(proto.output),
    attributes: withFloat32(proto, Object.fromEntries(attributes)),
  };
}

/** Optional inputs and outputs that are left out at the end need no mention. */
function withoutTrailing(values: string[]): string[] {
  return values.slice(0, values.findLastIndex((value) => value !== '') + 1);
}

/** Data types that a node asks for by number (Cast's `to`, EyeLike's `dtype`, …), widened as the weights are. */
function withFloat32({ domain }: NodeProto, attributes: Record<string, Attribute>): Record<string, Attribute> {
  if (standard(domain) !== '') return attributes;
  for (const key of ['to', 'dtype', 'output_dtype', 'stash_type']) {
    const attribute = attributes[key];
    const asked = attribute?.type === 'int' ? dataTypeOf(attribute.value) : undefined;
    if (asked !== undefined && widened(asked) !== asked) attributes[key] = { type: 'int', value: 1 };
  }
  return attributes;
}

function initializersOf(proto: GraphProto, source: TensorSource): Map<string, Tensor> {
  const initializers = new Map<string, Tensor>();
  for (const tensor of proto.initializer) {
    const { name } = tensor;
    if (name === '') throw new TascnetError('an initializer has no name.');
    if (initializers.has(name)) throw new TascnetError(`two initializers are named "${name}".`);
    initializers.set(name, tensorOf(tensor, name, source));
  }
  return initializers;
}

/** Names for extents that the file leaves open: `input_0`, unless the file has a symbol of that name. */
function freshSymbols(proto: GraphProto): (name: string, axis: number) => string {
  const taken = new Set<string>();
  for (const { type } of [...proto.input, ...proto.output])
    if (type?.value.case === 'tensorType')
      for (const { value } of type.value.value.shape?.dim ?? []) if (value.case === 'dimParam') taken.add(value.value);
  return (name, axis) => {
    let symbol = `${name}_${axis}`;
    while (taken.has(symbol)) symbol += '_';
    taken.add(symbol);
    return symbol;
  };
}

function valueInfo({ name, type }: ValueInfoProto, fresh: (name: string, axis: number) => string): ValueInfo {
  const kind = type?.value;
  if (kind?.case !== undefined && kind.case !== 'tensorType')
    throw new TascnetError(
      `"${name}" is not a tensor, but a ${kind.case.replace('Type', '')}; that is not supported.`,
      {
        hint: 'Export the model with plain tensors as inputs and outputs.',
      },
    );
  // Some exporters leave the type of an output for the reader to infer; those of float networks are float32.
  const tensor = kind?.case === 'tensorType' ? kind.value : undefined;
  const code = tensor?.elemType ?? 1;
  const dtype = dataTypeOf(code);
  if (!dtype) throw new TascnetError(`"${name}" has the data type ${nameOfCode(code)}, which is not supported.`);
  const dims = tensor?.shape?.dim.map(({ value }, axis): Dim => {
    if (value.case === 'dimParam' && tells(value.value)) return value.value;
    const extent = value.case === 'dimValue' ? Number(value.value) : 0;
    if (!Number.isSafeInteger(extent)) throw new TascnetError(`"${name}" has an impossible extent on axis ${axis}.`);
    // Exporters write 0 or -1 for an extent that is open.
    return extent > 0 ? extent : fresh(name, axis);
  });
  return { name, dtype: widened(dtype), dims };
}

/** Whether a symbol stands for one extent: some exporters write `?` or `None` for whatever is open. */
function tells(symbol: string): boolean {
  return symbol !== '' && symbol !== 'None' && !symbol.startsWith('?');
}
