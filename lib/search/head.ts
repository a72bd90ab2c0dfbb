/** The dense layers at the end of a classifier: found, and built anew in another configuration with inherited weights. */

import { inferShapes, type Shapes, shapedNode } from '../analyze/shapes.js';
import { TascnetError } from '../errors.js';
import { consumers, type Graph, type Node, producers, withoutDead } from '../graph/graph.js';
import { freshNames } from '../graph/names.js';
import { randomGenerator } from '../graph/random.js';
import { float32, float32Data } from '../graph/tensor.js';
import type { ValueType } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';
import { type Activation, activationNode } from '../surgery/activation.js';
import { type Dense, inherit, overPositions } from './dense.js';

export interface HeadConfiguration {
  /** Neurons of each hidden layer, the first one first. */
  neurons: readonly number[];
  activation: Activation;
  /** Share of elements dropped before every dense layer but one that reads the features with hidden layers behind it. */
  dropout: number;
  /** What becomes of a feature map before the first layer: `kept` as the network had it, or the `average` of each channel. */
  pooling: 'kept' | 'average';
}

export interface Head {
  /** The value that the first dense layer reads: [N, features], or [N, channels, H, W] where it is a 1×1 convolution. */
  features: string;
  featureDims: number[];
  /** The feature map that was flattened to `features`, where a spatial extent is more than 1. */
  flattened: { value: string; channels: number; positions: number } | undefined;
  /** The dense layers, the first one first; the last one makes the logits. */
  layers: Dense[];
  /** The nodes from `features` to the logits. */
  nodes: Set<Node>;
}

/** Nodes that work on each element of a layer's output by itself. */
const ELEMENTWISE = new Set([
  'Relu',
  'Sigmoid',
  'Tanh',
  'Elu',
  'Selu',
  'Clip',
  'Dropout',
  'Gelu',
  'HardSigmoid',
  'HardSwish',
  'Identity',
  'LeakyRelu',
  'Mish',
  'Softplus',
]);
const RESHAPING = new Set(['Flatten', 'Reshape', 'Squeeze', 'Unsqueeze']);
const POOLING = new Set(['GlobalAveragePool', 'GlobalMaxPool', 'AveragePool', 'ReduceMean']);

/**
 * Walks backwards from the logits over dense layers and what stands between them.
 * @throws TascnetError when the network does not end in a dense layer (or a 1×1 convolution).
 */
export function findHead(graph: Graph, shapes: Shapes = inferShapes(graph)): Head {
  const made = producers(graph);
  const readers = consumers(graph);
  const output = graph.outputs[0]?.name ?? '';
  const walked: Node[] = [];
  let found: { features: string; count: number } | undefined;
  const layers: Dense[] = [];
  let bias: Float32Array | undefined;
  for (let value = output; ; ) {
    const node = made.get(value);
    const alone = value === output || readers.get(value)?.length === 1;
    if (!node || !alone || node.outputs.filter((name) => name !== '').length > 1) break;
    walked.push(node);
    const added = addedBias(graph, node, shapes);
    const dense = denseOf(graph, node, shapes);
    if (dense) {
      layers.unshift(bias ? { ...dense, bias: sum(dense.bias, bias) } : dense);
      bias = undefined;
      value = node.inputs[0] ?? '';
      found = { features: value, count: walked.length };
      if (positionsOf(shapes.types.get(value)) !== 1) break;
    } else if (added) {
      bias = bias ? sum(bias, added.bias) : added.bias;
      value = added.value;
    } else {
      const dims = shapes.types.get(node.inputs[0] ?? '');
      const passes =
        ELEMENTWISE.has(node.op) ||
        (RESHAPING.has(node.op) && positionsOf(dims) === 1) ||
        ((POOLING.has(node.op) || RESHAPING.has(node.op)) && layers.length === 0);
      if (!passes) break;
      value = node.inputs[0] ?? '';
    }
  }
  if (!found)
    throw new TascnetError(
      `The network does not end in a dense layer: "${output}" is made by ${made.get(output)?.op}.`,
      {
        hint: 'Give it a classifier first.',
      },
    );
  const type = shapes.types.get(found.features);
  return {
    features: found.features,
    featureDims: numeric(type).slice(1),
    flattened: flattenedMap(made.get(found.features), readers.get(found.features)?.length === 1, shapes),
    layers,
    nodes: new Set(walked.slice(0, found.count)),
  };
}

function numeric(type: ValueType | undefined): number[] {
  return (type?.dims ?? []).map((extent) => (typeof extent === 'number' ? extent : 1));
}

/** The product of a value's extents behind the channels; 1 for a matrix. */
function positionsOf(type: ValueType | undefined): number {
  return numeric(type)
    .slice(2)
    .reduce((product, extent) => product * extent, 1);
}

function denseOf(graph: Graph, node: Node, shapes: Shapes): Dense | undefined {
  const operator = operatorOf(node);
  const layer = operator?.linear?.(shapedNode(graph, node, shapes.types));
  const tensor = graph.initializers.get(node.inputs[layer?.weight ?? -1] ?? '');
  if (!layer || tensor?.dtype !== 'float32') return undefined;
  const [height, width] = layer.kernel;
  const [down, across] = layer.strides;
  if (height * width * down * across !== 1 || layer.pads.some((pad) => pad > 0)) return undefined;
  const [first = 1, second = 1] = tensor.dims;
  const [out, inputs] = layer.inputAxis === 1 ? [first, second] : [second, first];
  const weight = new Float32Array(out * inputs);
  for (let o = 0; o < out; o++)
    for (let i = 0; i < inputs; i++)
      weight[o * inputs + i] = tensor.data[layer.inputAxis === 1 ? o * inputs + i : i * out + o] ?? 0;
  const own = layer.bias === undefined ? undefined : graph.initializers.get(node.inputs[layer.bias] ?? '');
  const bias = own ? float32Data(own, `The bias of ${node.op} "${node.name}"`) : new Float32Array(out);
  return { out, in: inputs, weight, bias: bias.length === out ? bias : new Float32Array(out).fill(bias[0] ?? 0) };
}

/** The vector that an Add puts on a layer's output (MatMul has no bias of its own). */
function addedBias(graph: Graph, node: Node, shapes: Shapes): { value: string; bias: Float32Array } | undefined {
  if (node.op !== 'Add') return undefined;
  const [a = '', b = ''] = node.inputs;
  const [value, name] = graph.initializers.has(b) ? [a, b] : [b, a];
  const tensor = graph.initializers.get(name);
  const width = shapes.types.get(node.outputs[0] ?? '')?.dims[1];
  return tensor?.dtype === 'float32' && tensor.data.length === width ? { value, bias: tensor.data } : undefined;
}

function sum(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, index) => value + (b[index] ?? 0));
}

function flattenedMap(node: Node | undefined, alone: boolean, shapes: Shapes): Head['flattened'] {
  const value = node?.inputs[0] ?? '';
  const type = shapes.types.get(value);
  if (!node || !alone || !RESHAPING.has(node.op) || type?.dims.length !== 4) return undefined;
  const [, channels = 1] = numeric(type);
  const positions = positionsOf(type);
  return positions > 1 && channels * positions === numeric(shapes.types.get(node.outputs[0] ?? ''))[1]
    ? { value, channels, positions }
    : undefined;
}

function positions({ featureDims }: Head): number {
  return featureDims.slice(1).reduce((product, extent) => product * extent, 1);
}

/** Whether there is no more to the head than one dense layer on a vector: a new one without hidden layers is the same. */
export function isPlain(head: Head): boolean {
  return head.layers.length === 1 && !head.flattened && positions(head) === 1;
}

/**
 * The graph with its head built anew. Neurons are inherited from the head that is there, the most important first (sum of
 * absolute weights); further ones are drawn at random and, where all old ones stay, begin without effect. A classifier
 * over hidden neurons that the old one did not read is drawn at random.
 */
export function withHeadConfiguration(graph: Graph, head: Head, configuration: HeadConfiguration, seed: number): Graph {
  const { dropout, activation, neurons, pooling } = configuration;
  const output = graph.outputs[0];
  const logits = head.layers.at(-1);
  if (!output || !logits) throw new TascnetError('The network has no classifier.');
  const { op, attributes: nonlinearity } = activationNode(activation);
  const fresh = freshNames(graph);
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.filter((node) => !head.nodes.has(node));
  const append = (op: string, inputs: string[], wish: string, attributes: Node['attributes'] = {}): string => {
    const name = fresh(wish);
    nodes.push({ name, op, domain: '', inputs, outputs: [name], attributes });
    return name;
  };
  const constant = (wish: string, dims: number[], data: Float32Array): string => {
    const name = fresh(wish);
    initializers.set(name, float32(dims, data));
    return name;
  };
  const dropped = (value: string): string =>
    dropout > 0
      ? append('Dropout', [value, constant('head_ratio', [], Float32Array.of(dropout))], 'head_dropout')
      : value;

  const averaged = pooling === 'average' ? head.flattened : undefined;
  let value = averaged?.value ?? head.features;
  if (averaged || head.featureDims.length > 1) {
    if (averaged || positions(head) > 1) value = append('GlobalAveragePool', [value], 'head_pool');
    value = append('Flatten', [value], 'head_flatten', { axis: { type: 'int', value: 1 } });
  }
  const widths = [...neurons, logits.out];
  const dense = inherit(
    averaged ? overPositions(head.layers, averaged) : head.layers,
    widths,
    randomGenerator(seed, 'head'),
  );
  dense.forEach((layer, index) => {
    const last = index === dense.length - 1;
    if (last && neurons.length === 0) value = dropped(value);
    const weight = constant(`head_${index + 1}.weight`, [layer.out, layer.in], layer.weight);
    const bias = constant(`head_${index + 1}.bias`, [layer.out], layer.bias);
    const attributes: Node['attributes'] = { transB: { type: 'int', value: 1 } };
    if (last) {
      const name = fresh('head_logits');
      nodes.push({ name, op: 'Gemm', domain: '', inputs: [value, weight, bias], outputs: [output.name], attributes });
      return;
    }
    value = append('Gemm', [value, weight, bias], `head_${index + 1}`, attributes);
    value = dropped(append(op, [value], `head_${index + 1}_${activation}`, nonlinearity));
  });
  const dims = [output.dims?.[0] ?? 'N', logits.out];
  return withoutDead({ ...graph, nodes, initializers, outputs: [{ ...output, dims }] });
}
