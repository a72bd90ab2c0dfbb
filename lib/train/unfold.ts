/** Batch norms given back to a network that was deployed without them, so that it trains well again. */

import { isFixedSelection } from '../analyze/learnable.js';
import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel } from '../engine/model.js';
import { TascnetError, throwIfAborted } from '../errors.js';
import { consumers, type Graph, type Node, withoutDead } from '../graph/graph.js';
import { freshNames } from '../graph/names.js';
import { float32 } from '../graph/tensor.js';
import { batchInput } from './evaluate.js';

const EPSILON = 1e-5;
/** Of ONNX: the share of the old statistics that each training batch leaves. */
const MOMENTUM = 0.9;

/** Whether the network has convolutions but no batch norm among them. */
export function isFolded(graph: Graph): boolean {
  return foldedConvolutions(graph).length > 0;
}

/** The convolutions that a batch norm can follow: all but the classifier, in a network without any. */
export function foldedConvolutions(graph: Graph): Node[] {
  if (graph.nodes.some(({ op }) => op === 'BatchNormalization')) return [];
  const learns = (node: Node): boolean => node.op === 'Conv' || node.op === 'Gemm' || node.op === 'MatMul';
  const readers = consumers(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const followed = new Map<Node, boolean>();
  for (const node of graph.nodes.toReversed()) {
    const next = node.outputs.flatMap((name) => readers.get(name) ?? []).map((reader) => reader.node);
    followed.set(
      node,
      next.some((reader) => learns(reader) || followed.get(reader) === true),
    );
  }
  return graph.nodes.filter((node) => {
    const weight = graph.initializers.get(node.inputs[1] ?? '');
    return (
      node.op === 'Conv' &&
      followed.get(node) === true &&
      weight?.dtype === 'float32' &&
      !isFixedSelection(weight) &&
      !outputs.has(node.outputs[0] ?? '')
    );
  });
}

/**
 * Puts a BatchNormalization behind every convolution of a folded network. Its statistics are measured over `batches`
 * batches of `source` and its scale and shift undo them, so that the function stays the same. The shift takes over the
 * name of the convolution's bias and the batch norm's output that of the convolution: `foldBatchNorm` gives back a
 * graph with the same names. A network that has batch norms is returned as it is.
 */
export async function unfoldBatchNorm(
  engine: Engine,
  graph: Graph,
  source: BatchSource,
  options: { batches?: number; signal?: AbortSignal } = {},
): Promise<Graph> {
  const convolutions = foldedConvolutions(graph);
  if (convolutions.length === 0) return graph;
  const moments = await measure(engine, graph, convolutions, source, options.batches ?? 8, options.signal);

  const readers = consumers(graph);
  const fresh = freshNames(graph);
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const { mean, variance } = moments.get(node) ?? {};
    if (!mean || !variance) return [node];
    const [x = '', weight = '', biasName = ''] = node.inputs;
    const bias = graph.initializers.get(biasName);
    const output = node.outputs[0] ?? '';
    const between = fresh(`${output}_conv`);
    const name = fresh(`${node.name}_bn`);
    const [scale, meanName, varianceName] = ['scale', 'mean', 'var'].map((part) => fresh(`${name}.${part}`));
    const ownBias = bias !== undefined && readers.get(biasName)?.length === 1;
    const shift = ownBias ? biasName : fresh(`${name}.shift`);
    initializers.set(
      scale ?? '',
      vector(variance, (value) => Math.sqrt(value + EPSILON)),
    );
    initializers.set(
      shift,
      vector(mean, (value) => value),
    );
    const offset = bias?.dtype === 'float32' ? bias.data : undefined;
    initializers.set(
      meanName ?? '',
      vector(mean, (value, channel) => value - (offset?.[channel] ?? 0)),
    );
    initializers.set(
      varianceName ?? '',
      vector(variance, (value) => value),
    );
    return [
      { ...node, inputs: [x, weight], outputs: [between] },
      {
        name,
        op: 'BatchNormalization',
        domain: '',
        inputs: [between, scale ?? '', shift, meanName ?? '', varianceName ?? ''],
        outputs: [output],
        attributes: { epsilon: { type: 'float', value: EPSILON }, momentum: { type: 'float', value: MOMENTUM } },
      },
    ];
  });
  return withoutDead({ ...graph, nodes, initializers });
}

function vector(values: Float64Array, map: (value: number, index: number) => number) {
  return float32([values.length], Float32Array.from(values, map));
}

interface Moments {
  mean: Float64Array;
  variance: Float64Array;
}

/** Mean and variance of each channel of the convolutions' outputs, over all samples and positions. */
async function measure(
  engine: Engine,
  graph: Graph,
  convolutions: readonly Node[],
  source: BatchSource,
  batches: number,
  signal: AbortSignal | undefined,
): Promise<Map<Node, Moments>> {
  const { tf } = engine;
  const model = buildModel(engine, graph, { trainable: () => false });
  const names = convolutions.map((node) => node.outputs[0] ?? '');
  const sums = convolutions.map((): { n: number; sum: number[]; square: number[] } => ({ n: 0, sum: [], square: [] }));
  try {
    let seen = 0;
    for await (const batch of source.batches(0)) {
      throwIfAborted(signal);
      const measured = tf.tidy(() =>
        model.forwardTo(names, [batchInput(engine, batch)], { training: false, seed: 0 }).map((value) => {
          const axes = value.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
          const { mean, variance } = tf.moments(value, axes);
          return { n: value.size / (value.shape[1] ?? 1), moments: tf.stack([mean, variance]) };
        }),
      );
      for (const [index, { n, moments }] of measured.entries()) {
        const data = await moments.data();
        moments.dispose();
        const total = sums[index];
        if (!total) continue;
        const channels = data.length / 2;
        for (let channel = 0; channel < channels; channel++) {
          const mean = data[channel] ?? 0;
          const square = (data[channels + channel] ?? 0) + mean * mean;
          total.sum[channel] = (total.sum[channel] ?? 0) + n * mean;
          total.square[channel] = (total.square[channel] ?? 0) + n * square;
        }
        total.n += n;
      }
      if (++seen >= batches) break;
    }
    if (seen === 0) throw new TascnetError('There is no sample to measure statistics on.');
  } finally {
    model.dispose();
  }
  return new Map(
    convolutions.map((node, index) => {
      const { n, sum, square } = sums[index] ?? { n: 1, sum: [], square: [] };
      const mean = Float64Array.from(sum, (value) => value / n);
      const variance = Float64Array.from(square, (value, channel) =>
        Math.max(0, value / n - (mean[channel] ?? 0) ** 2),
      );
      return [node, { mean, variance }];
    }),
  );
}
