/**
 * Where a trial begins. A configuration leaves batch norms with the statistics of another network, and a classifier that
 * learnt to read other features, or that is new. Both can be put right in two passes over the features, so that a short
 * training tells of the configuration and not of how long a new layer takes to learn.
 */

import { inferShapes, shapedNode } from '../analyze/shapes.js';
import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel } from '../engine/model.js';
import { throwIfAborted } from '../errors.js';
import type { Graph, Node } from '../graph/graph.js';
import { float32 } from '../graph/tensor.js';
import { createLeastSquares } from '../native.js';
import { operatorOf } from '../ops/registry.js';
import { batchInput } from '../train/evaluate.js';
import { recalibrate } from '../train/recalibrate.js';

/** The last dense layer: [N, inputs] → [N, classes]. */
interface Classifier {
  features: string;
  weight: string;
  bias: string;
  inputs: number;
  classes: number;
  /** Whether the weight is [classes, inputs], else [inputs, classes]. */
  outputsFirst: boolean;
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
  const before = matrixOf(measured, classifier);
  const solved = await solve(readings, classifier, options);
  if (!(lossOf(readings, classifier, solved) < lossOf(readings, classifier, before))) return measured;
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
  const dims = tensor?.dims ?? [];
  const [first = 0, second = 0] = dims;
  const outputsFirst = layer.inputAxis === 1;
  const [classes, inputs] = outputsFirst ? [first, second] : [second, first];
  const plain = types.get(features)?.dims.length === 2 && dims.length === 2;
  if (!plain || tensor?.dtype !== 'float32' || offsets?.dtype !== 'float32' || offsets.data.length !== classes)
    return undefined;
  if (usesOf(graph.nodes, weight) + usesOf(graph.nodes, bias) !== 2) return undefined;
  return { features, weight, bias, inputs, classes, outputsFirst };
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

function matrixOf(graph: Graph, { weight, bias, inputs, classes, outputsFirst }: Classifier): Float32Array {
  const [weights, offsets] = [graph.initializers.get(weight)?.data ?? [], graph.initializers.get(bias)?.data ?? []];
  const matrix = new Float32Array((inputs + 1) * classes);
  for (let input = 0; input < inputs; input++)
    for (let label = 0; label < classes; label++)
      matrix[input * classes + label] = Number(
        weights[outputsFirst ? label * inputs + input : input * classes + label] ?? 0,
      );
  for (let label = 0; label < classes; label++) matrix[inputs * classes + label] = Number(offsets[label] ?? 0);
  return matrix;
}

function withMatrix(graph: Graph, classifier: Classifier, matrix: Float32Array): Graph {
  const { weight, bias, inputs, classes, outputsFirst } = classifier;
  const weights = new Float32Array(inputs * classes);
  for (let input = 0; input < inputs; input++)
    for (let label = 0; label < classes; label++)
      weights[outputsFirst ? label * inputs + input : input * classes + label] = matrix[input * classes + label] ?? 0;
  const initializers = new Map(graph.initializers)
    .set(weight, float32(outputsFirst ? [classes, inputs] : [inputs, classes], weights))
    .set(bias, float32(graph.initializers.get(bias)?.dims ?? [classes], matrix.slice(inputs * classes)));
  return { ...graph, initializers };
}

/** The mean cross-entropy of the scores x · matrix. */
function lossOf({ x, labels }: Readings, { inputs, classes }: Classifier, matrix: Float32Array): number {
  const scores = new Float64Array(classes);
  let loss = 0;
  labels.forEach((label, row) => {
    scores.fill(0);
    for (let input = 0; input <= inputs; input++) {
      const value = x[row * (inputs + 1) + input] ?? 0;
      if (value === 0) continue;
      for (let each = 0; each < classes; each++)
        scores[each] = (scores[each] ?? 0) + value * (matrix[input * classes + each] ?? 0);
    }
    const most = Math.max(...scores);
    loss += most + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - most), 0)) - (scores[label] ?? 0);
  });
  return loss / labels.length;
}
