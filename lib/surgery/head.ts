/** The classifier at the end of a network: found, kept, replaced for other classes, or added. */

import { lastNode } from '../analyze/last-node.js';
import { inferShapes } from '../analyze/shapes.js';
import { TascnetError } from '../errors.js';
import { consumers, type Graph, type Node, producers, withoutDead } from '../graph/graph.js';
import { freshNames } from '../graph/names.js';
import { randomGenerator } from '../graph/random.js';
import { float32, int64, numbersOf, sizeOf, type Tensor } from '../graph/tensor.js';
import { operatorOf } from '../ops/registry.js';

export interface HeadOptions {
  /** For the new weights. */
  seed: number;
  /** `replace`: a head of the same class count is replaced as well. Default `keep`. */
  sameCount?: 'keep' | 'replace';
}

export interface Headed {
  /** Its one output has the logits, [N, classes]. */
  graph: Graph;
  action: 'kept' | 'replaced' | 'added';
  /** The softmax that the network ended in and that was taken off: its scores were not logits. */
  softmax: string | undefined;
  /** The initializers of the head. */
  initializers: string[];
}

/** Standard deviation of new weights; biases begin at 0 (as torchvision begins its classifiers). */
const WEIGHT_DEVIATION = 0.01;

/** Class counts of published networks: with one of these, channels behind a pooling are scores rather than features. */
const USUAL_CLASS_COUNTS = new Set([1000, 1001, 10, 100, 21841, 21843, 11221, 365]);

interface FoundHead {
  node: Node;
  weight: string;
  /** The axis of the weight that counts the classes. */
  axis: number;
  bias: string | undefined;
  classes: number;
}

/**
 * The graph with a head for `classes` classes and logits as its only output. A final Softmax is taken off. The last
 * Gemm, MatMul (with its Add) or Conv is given new weights where its class count differs; a network that ends in
 * features gets GlobalAveragePool (from four axes) and a Gemm.
 */
export function withHead(source: Graph, classes: number, options: HeadOptions): Headed {
  if (!Number.isInteger(classes) || classes < 2)
    throw new TascnetError(`A classifier needs two classes or more, but ${classes} were asked for.`);
  const { graph, softmax } = withoutSoftmax(source);
  const head = findHead(graph, softmax !== undefined);
  if (!head) return { ...addHead(graph, classes, options.seed), softmax };
  const initializers = head.bias === undefined ? [head.weight] : [head.weight, head.bias];
  if (head.classes === classes && options.sameCount !== 'replace')
    return { graph, action: 'kept', softmax, initializers };
  return { graph: replaceHead(graph, head, classes, options.seed), action: 'replaced', softmax, initializers };
}

function withoutSoftmax(source: Graph): { graph: Graph; softmax: Headed['softmax'] } {
  const output = source.outputs[0];
  if (!output) throw new TascnetError('The network has no output.');
  const graph = withoutDead({ ...source, outputs: [output] });
  const node = lastNode(graph);
  const [from, to] = [node?.inputs[0], node?.outputs[0]];
  if (!node || !operatorOf(node)?.scores || !from || !to) return { graph, softmax: undefined };
  const softmax = node.op;
  const nodes = graph.nodes
    .filter((other) => other !== node)
    .map((other) => ({ ...other, inputs: other.inputs.map((name) => (name === to ? from : name)) }));
  const name = output.name === to ? from : output.name;
  return { graph: named({ ...graph, nodes, outputs: [{ ...output, name }] }), softmax };
}

/** The same graph with its output called `logits`, unless something else has that name or the output is an input. */
function named(graph: Graph): Graph {
  const [output] = graph.outputs;
  const taken = freshNames(graph)('logits') !== 'logits';
  if (!output || taken || !producers(graph).has(output.name)) return graph;
  const rename = (name: string) => (name === output.name ? 'logits' : name);
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    outputs: [{ ...output, name: 'logits' }],
  };
}

function findHead(graph: Graph, hadSoftmax: boolean): FoundHead | undefined {
  const made = producers(graph);
  let node = made.get(graph.outputs[0]?.name ?? '');
  let pooled = false;
  let addedBias: string | undefined;
  const constant = (name: string | undefined): Tensor | undefined => graph.initializers.get(name ?? '');
  while (node) {
    const before: Node = node;
    const bias = before.op === 'Add' ? before.inputs.find((name) => graph.initializers.has(name)) : undefined;
    const passes = operatorOf(before)?.passes;
    if (passes) {
      // Behind a last convolution, whose channels are the classes (SqueezeNet, NiN).
      pooled ||= passes === 'channels';
      node = made.get(before.inputs[0] ?? '');
    } else if (bias !== undefined && addedBias === undefined) {
      addedBias = bias;
      node = made.get(before.inputs.find((name) => name !== bias) ?? '');
    } else break;
  }
  const weightName = node?.inputs[1];
  const weight = constant(weightName);
  if (!node || weightName === undefined || weight?.dtype !== 'float32') return undefined;
  const axis = classAxis(node, weight);
  const classes = axis === undefined ? undefined : weight.dims[axis];
  if (axis === undefined || classes === undefined) return undefined;
  // A convolution that gives whole pictures gives features.
  if (node.op === 'Conv' && !pooled && givesPictures(graph, node)) return undefined;
  if (pooled && !hadSoftmax && !USUAL_CLASS_COUNTS.has(classes)) return undefined;
  const own = node.inputs[2] !== undefined && constant(node.inputs[2]) ? node.inputs[2] : undefined;
  return { node, weight: weightName, axis, bias: own ?? addedBias, classes };
}

function givesPictures(graph: Graph, node: Node): boolean {
  const dims = inferShapes(graph).types.get(node.outputs[0] ?? '')?.dims ?? [];
  return dims.slice(2).some((extent) => typeof extent === 'number' && extent > 1);
}

function classAxis(node: Node, weight: Tensor): number | undefined {
  if (node.op === 'Conv') return 0;
  if (node.op === 'Gemm') return node.attributes.transB?.type === 'int' && node.attributes.transB.value === 1 ? 0 : 1;
  if (node.op === 'MatMul' && weight.dims.length === 2) return 1;
  return undefined;
}

function newWeight(dims: number[], seed: number, name: string): Tensor {
  const random = randomGenerator('head', seed, name);
  return float32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => random.normal() * WEIGHT_DEVIATION),
  );
}

function replaceHead(graph: Graph, head: FoundHead, classes: number, seed: number): Graph {
  const readers = consumers(graph);
  const fresh = freshNames(graph);
  const initializers = new Map(graph.initializers);
  const renamed = new Map<string, string>();
  const replace = (name: string, tensor: Tensor): void => {
    // Others that read the same constant keep the old one.
    const own = (readers.get(name)?.length ?? 0) > 1 ? fresh(name) : name;
    renamed.set(name, own);
    initializers.set(own, tensor);
  };
  const weight = graph.initializers.get(head.weight);
  const weightDims = (weight?.dims ?? []).map((extent, axis) => (axis === head.axis ? classes : extent));
  replace(head.weight, newWeight(weightDims, seed, head.weight));
  const bias = head.bias === undefined ? undefined : graph.initializers.get(head.bias);
  if (head.bias !== undefined && bias) {
    const dims = bias.dims.map((extent) => (extent === head.classes ? classes : extent));
    replace(head.bias, float32(dims, new Float32Array(sizeOf(dims))));
  }

  const made = producers(graph);
  const tail = new Set<Node>([head.node]);
  for (let node = made.get(graph.outputs[0]?.name ?? ''); node && node !== head.node; ) {
    tail.add(node);
    node = made.get(node.inputs.find((name) => made.has(name)) ?? '');
  }
  const nodes = graph.nodes.map((node) => {
    if (!tail.has(node)) return node;
    const inputs = node.inputs.map((name) => renamed.get(name) ?? name);
    const shape = node.op === 'Reshape' ? graph.initializers.get(node.inputs[1] ?? '') : undefined;
    if (shape) {
      const extents = numbersOf(shape);
      const own = fresh(node.inputs[1] ?? 'shape');
      initializers.set(
        own,
        int64(
          shape.dims,
          extents.map((extent) => (extent === head.classes ? classes : extent)),
        ),
      );
      inputs[1] = own;
    }
    return { ...node, inputs };
  });
  return finished({ ...graph, nodes, initializers });
}

function addHead(graph: Graph, classes: number, seed: number): Omit<Headed, 'softmax'> {
  const output = graph.outputs[0];
  const type = output && inferShapes(graph).types.get(output.name);
  const channels = type?.dims[1];
  if (!output || !type || typeof channels !== 'number' || (type.dims.length !== 2 && type.dims.length !== 4))
    throw new TascnetError(
      `The network ends in ${output?.name} of shape [${type?.dims ?? '?'}]; a head can be put on [N, features] or [N, channels, H, W].`,
    );
  const fresh = freshNames(graph);
  const nodes = [...graph.nodes];
  const append = (op: string, inputs: string[], wish: string, attributes: Node['attributes'] = {}): string => {
    const name = fresh(wish);
    nodes.push({ name, op, domain: '', inputs, outputs: [name], attributes });
    return name;
  };
  let features = output.name;
  if (type.dims.length === 4) {
    features = append('GlobalAveragePool', [features], 'head_pool');
    features = append('Flatten', [features], 'head_flatten', { axis: { type: 'int', value: 1 } });
  }
  const weight = fresh('head.weight');
  const bias = fresh('head.bias');
  const logits = append('Gemm', [features, weight, bias], 'logits', { transB: { type: 'int', value: 1 } });
  const initializers = new Map(graph.initializers)
    .set(weight, newWeight([classes, channels], seed, weight))
    .set(bias, float32([classes], new Float32Array(classes)));
  return {
    graph: finished({ ...graph, nodes, initializers, outputs: [{ ...output, name: logits }] }),
    action: 'added',
    initializers: [weight, bias],
  };
}

/** The graph with the inferred shape on its output and nothing dead in it. */
function finished(graph: Graph): Graph {
  const { types } = inferShapes(graph);
  return withoutDead({
    ...graph,
    outputs: graph.outputs.map((output) => ({ ...output, dims: types.get(output.name)?.dims ?? output.dims })),
  });
}
