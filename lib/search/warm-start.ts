/**
 * Where a trial begins. A configuration leaves batch norms with the statistics of another network, and a classifier that
 * learnt to read other features, or that is new. Both can be put right in two passes over the features, so that a short
 * training tells of the configuration and not of how long a new layer takes to learn.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import { inferShapes, shapedNode } from '../analyze/shapes.js';
import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel } from '../engine/model.js';
import { throwIfAborted } from '../errors.js';
import type { Graph, Node } from '../graph/graph.js';
import { float32, type TensorOf } from '../graph/tensor.js';
import { createLeastSquares } from '../native.js';
import type { LinearLayer } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';
import { fromMatrix, toMatrix } from '../prune/consumers.js';
import { batchInput } from '../train/evaluate.js';
import { crossEntropy } from '../train/loss.js';
import { recalibrate } from '../train/recalibrate.js';

/** The last dense layer: [N, inputs] → [N, classes]. */
interface Classifier {
  features: string;
  weight: { name: string; tensor: TensorOf<'float32'> };
  bias: { name: string; tensor: TensorOf<'float32'> };
  inputs: number;
  classes: number;
  layer: LinearLayer;
}

interface Readings {
  /** [count, inputs + 1], the last column of ones. */
  x: Float32Array;
  labels: Int32Array;
}

/** How far the score of the class stands above the others' in what the regression aims at: a softmax of about 0.9. */
const MARGIN = 5;
/** On the scale of the mean square of a feature. */
const RIDGE = 0.1;

/**
 * `tail` with its batch norms measured on `source`, and its classifier solved by ridge regression towards the classes where
 * that reads the training features better than the one that is there.
 */
export async function warmStart(
  engine: Engine,
  tail: Graph,
  source: BatchSource,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Graph> {
  const batches = Math.ceil(source.samples / source.batchSize);
  const measured = await recalibrate(engine, tail, source, batches, options);
  const classifier = classifierOf(measured);
  if (!classifier) return measured;
  const readings = await read(engine, measured, classifier, source, options);
  // A label that the network does not know is told where it is trained.
  if (readings.labels.some((label) => label < 0 || label >= classifier.classes)) return measured;
  const before = matrixOf(classifier);
  const solved = await solve(readings, classifier, options);
  const [loss, lossBefore] = [solved, before].map((matrix) => lossOf(engine, readings, classifier, matrix));
  if (!(Number(loss) < Number(lossBefore))) return measured;
  return withMatrix(measured, classifier, solved);
}

/** Undefined where the network ends otherwise than in a dense layer with a bias, whose weights it alone reads. */
function classifierOf(graph: Graph): Classifier | undefined {
  const output = graph.outputs[0]?.name;
  const node = graph.nodes.find(({ outputs }) => outputs[0] === output);
  const { types } = inferShapes(graph);
  const layer = node && operatorOf(node)?.linear?.(shapedNode(graph, node, types));
  if (!node || !layer || layer.bias === undefined) return undefined;
  const [features = '', weight = '', bias = ''] = [0, layer.weight, layer.bias].map((at) => node.inputs[at] ?? '');
  const [tensor, offsets] = [graph.initializers.get(weight), graph.initializers.get(bias)];
  if (tensor?.dtype !== 'float32' || offsets?.dtype !== 'float32') return undefined;
  const inputs = tensor.dims[layer.inputAxis] ?? 0;
  const classes = tensor.dims[1 - layer.inputAxis] ?? 0;
  const plain = types.get(features)?.dims.length === 2 && tensor.dims.length === 2 && offsets.data.length === classes;
  if (!plain || usesOf(graph.nodes, weight) + usesOf(graph.nodes, bias) !== 2) return undefined;
  return {
    ...{ features, inputs, classes, layer },
    weight: { name: weight, tensor },
    bias: { name: bias, tensor: offsets },
  };
}

function usesOf(nodes: readonly Node[], name: string): number {
  return nodes.flatMap(({ inputs }) => inputs).filter((input) => input === name).length;
}

async function read(
  engine: Engine,
  graph: Graph,
  { features, inputs }: Classifier,
  source: BatchSource,
  { signal }: { signal?: AbortSignal | undefined },
): Promise<Readings> {
  const { tf } = engine;
  const model = buildModel(engine, graph, { trainable: () => false });
  const x = new Float32Array(source.samples * (inputs + 1)).fill(1);
  const labels = new Int32Array(source.samples).fill(-1);
  let count = 0;
  try {
    for await (const batch of source.batches(0)) {
      throwIfAborted(signal);
      const values = tf.tidy(() => {
        const [read] = model.forwardTo([features], [batchInput(engine, batch)], { training: false, seed: 0 });
        return read?.dataSync<'float32'>() ?? new Float32Array();
      });
      for (let row = 0; row < batch.labels.length; row++, count++) {
        x.set(values.subarray(row * inputs, (row + 1) * inputs), count * (inputs + 1));
        labels[count] = batch.labels[row] ?? -1;
      }
    }
  } finally {
    model.dispose();
  }
  return { x, labels };
}

/** [inputs + 1, classes]: the weights, and the bias as the last row. */
async function solve(
  { x, labels }: Readings,
  { inputs, classes }: Classifier,
  options: { signal?: AbortSignal | undefined },
): Promise<Float32Array> {
  const y = new Float32Array(labels.length * classes).fill(-MARGIN / classes);
  labels.forEach((label, row) => {
    y[row * classes + label] = MARGIN - MARGIN / classes;
  });
  const equations = createLeastSquares(inputs + 1, classes);
  await equations.add(x, y, labels.length, options);
  const squares = x.reduce((sum, value) => sum + value * value, 0);
  return equations.solve((RIDGE * squares) / (inputs + 1), undefined, options);
}

function matrixOf({ weight, bias, layer }: Classifier): Float32Array {
  const { matrix } = toMatrix(weight.tensor, layer);
  const whole = new Float32Array(matrix.length + bias.tensor.data.length);
  whole.set(matrix);
  whole.set(bias.tensor.data, matrix.length);
  return whole;
}

function withMatrix(graph: Graph, { weight, bias, inputs, classes, layer }: Classifier, matrix: Float32Array): Graph {
  const weights = fromMatrix(matrix.slice(0, inputs * classes), classes, layer);
  const initializers = new Map(graph.initializers)
    .set(weight.name, float32(weight.tensor.dims, weights))
    .set(bias.name, float32(bias.tensor.dims, matrix.slice(inputs * classes)));
  return { ...graph, initializers };
}

/** The mean cross-entropy of the scores x · matrix. */
function lossOf(
  { tf }: Engine,
  { x, labels }: Readings,
  { inputs, classes }: Classifier,
  matrix: Float32Array,
): number {
  const rows = labels.length;
  const loss = tf.tidy(() => {
    const scores = tf.matMul(tf.tensor2d(x, [rows, inputs + 1]), tf.tensor2d(matrix, [inputs + 1, classes]));
    return crossEntropy(tf, scores as tfjs.Tensor2D, tf.tensor1d(labels, 'int32')).dataSync<'float32'>();
  });
  return loss[0] ?? Number.NaN;
}
