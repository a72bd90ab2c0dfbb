/**
 * Repairs a cut network by least squares (He et al. 2017, Channel Pruning for Accelerating Very Deep Neural Networks;
 * Luo et al. 2017, ThiNet): layer by layer from the input, the weights that read cut channels are solved again, so that
 * on sampled positions of some training images their outputs equal those of the uncut network. Ridge regression towards
 * the kept weights keeps directions that the samples say nothing about.
 */

import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel } from '../engine/model.js';
import { throwIfAborted } from '../errors.js';
import type { Graph, Node } from '../graph/graph.js';
import { randomGenerator } from '../graph/random.js';
import { float32, type TensorOf } from '../graph/tensor.js';
import { extract } from '../surgery/extract.js';
import { type Consumer, consumersOfCut, fromMatrix, toMatrix } from './consumers.js';
import { inputRows, outputRows, samplePositions, type Volume } from './patches.js';
import { ridgeRegression, type Samples } from './regression.js';

/** Training images that are looked at. */
const IMAGES = 192;
/** Rows of one regression: enough for the widest layers, and no more than their cost is worth. */
const MIN_ROWS = 4096;
const ROWS_PER_UNKNOWN = 4;
const MAX_ROWS = 32768;

type Values = Map<string, TensorOf<'float32'>>;

/** A graph that lost channels: everything is told in terms of the uncut one. */
export interface CutGraph {
  graph: Graph;
  /** For every axis that was cut (`keyOf`), the elements that stayed. */
  kept: ReadonlyMap<string, Int32Array>;
}

/**
 * @param uncut the graph whose outputs, layer by layer, are wanted.
 * @param cut what is left of it; `cut.graph` is not changed.
 * @returns the cut graph with repaired weights.
 */
export async function reconstruct(
  engine: Engine,
  uncut: Graph,
  cut: CutGraph,
  calibration: BatchSource,
  signal: AbortSignal | undefined,
): Promise<Graph> {
  const consumers = consumersOfCut(uncut, cut.kept);
  let repaired = cut.graph;
  const batches = await firstBatches(uncut, calibration, signal);
  let uncutValues = batches;
  let cutValues = batches;
  for (const consumer of consumers) {
    throwIfAborted(signal);
    uncutValues = await advance(engine, uncut, uncutValues, consumer.node, [consumer.output]);
    cutValues = await advance(engine, repaired, cutValues, consumer.node, [consumer.input]);
    const weights = await solve(engine, consumer, repaired, uncutValues, cutValues, signal);
    repaired = { ...repaired, initializers: new Map([...repaired.initializers, [consumer.weight, weights]]) };
  }
  return repaired;
}

/** The images as values of the graph input, in ONNX order. */
async function firstBatches(graph: Graph, source: BatchSource, signal: AbortSignal | undefined): Promise<Values[]> {
  const name = graph.inputs[0]?.name ?? '';
  const batches: Values[] = [];
  let images = 0;
  for await (const { inputs, shape, layout } of source.batches(0)) {
    throwIfAborted(signal);
    const plain = layout === 'plain' ? float32(shape, inputs) : channelsFirst(inputs, shape);
    batches.push(new Map([[name, plain]]));
    images += shape[0] ?? 0;
    if (images >= IMAGES) break;
  }
  return batches;
}

function channelsFirst(data: Float32Array, shape: number[]): TensorOf<'float32'> {
  const [n = 1, h = 1, w = 1, c = 1] = shape;
  const moved = new Float32Array(data.length);
  for (let image = 0; image < n; image++)
    for (let pixel = 0; pixel < h * w; pixel++)
      for (let channel = 0; channel < c; channel++)
        moved[(image * c + channel) * h * w + pixel] = data[(image * h * w + pixel) * c + channel] ?? 0;
  return float32([n, c, h, w], moved);
}

/**
 * Computes, from the values that are at hand, `wanted` and whatever the nodes from `until` on still need.
 * Values that nothing needs any more are dropped.
 */
async function advance(
  engine: Engine,
  graph: Graph,
  batches: Values[],
  until: Node,
  wanted: string[],
): Promise<Values[]> {
  const position = graph.nodes.findIndex((node) => node.name === until.name);
  const later = graph.nodes.slice(position);
  const made = new Set(later.flatMap((node) => node.outputs));
  const needed = new Set(later.flatMap((node) => node.inputs).filter((name) => name !== '' && !made.has(name)));
  for (const name of graph.outputs.map((output) => output.name)) if (!made.has(name)) needed.add(name);
  for (const name of graph.initializers.keys()) needed.delete(name);
  const outputs = [...new Set([...needed, ...wanted])];
  const atHand = [...(batches[0]?.keys() ?? [])];
  const missing = outputs.filter((name) => !atHand.includes(name));
  if (missing.length === 0) return batches.map((values) => new Map(outputs.map((name) => [name, held(values, name)])));
  const part = extract(graph, atHand, missing);
  const model = buildModel(engine, part);
  try {
    return await Promise.all(batches.map((values) => runPart(engine, model, values, outputs, missing)));
  } finally {
    model.dispose();
  }
}

async function runPart(
  engine: Engine,
  model: ReturnType<typeof buildModel>,
  values: Values,
  outputs: string[],
  missing: string[],
): Promise<Values> {
  const { tf } = engine;
  const inputs = model.graph.inputs.map(({ name }) => {
    const { data, dims } = held(values, name);
    return { tensor: tf.tensor(data, dims), layout: 'plain' as const };
  });
  const made = model.forwardTo(missing, inputs, { training: false, seed: 0 });
  const next: Values = new Map();
  for (const [index, tensor] of made.entries())
    next.set(missing[index] ?? '', float32(tensor.shape, (await tensor.data()) as Float32Array));
  tf.dispose([...made, ...inputs.map(({ tensor }) => tensor)]);
  return new Map(outputs.map((name) => [name, next.get(name) ?? held(values, name)]));
}

function held(values: Values, name: string): TensorOf<'float32'> {
  const value = values.get(name);
  if (!value) throw new Error(`value "${name}" was dropped before its last reader`);
  return value;
}

/** The weight of a consumer, solved on sampled positions; its bias stays. */
async function solve(
  { tf }: Engine,
  consumer: Consumer,
  graph: Graph,
  uncut: Values[],
  cut: Values[],
  signal: AbortSignal | undefined,
): Promise<TensorOf<'float32'>> {
  const current = graph.initializers.get(consumer.weight);
  if (current?.dtype !== 'float32') throw new Error(`"${consumer.weight}" is no float32 weight`);
  const { matrix: prior, unknowns, outputs } = toMatrix(current, consumer.layer);
  const images = cut.reduce((sum, values) => sum + (held(values, consumer.input).dims[0] ?? 0), 0);
  const [, , outHeight, outWidth] = volume(held(uncut[0] ?? new Map(), consumer.output)).dims;
  const rows = Math.min(MAX_ROWS, Math.max(MIN_ROWS, ROWS_PER_UNKNOWN * unknowns));
  const perImage = Math.min(Math.ceil(rows / images), outHeight * outWidth);
  const problem = { unknowns, outputs, prior, count: images * perImage };
  const solution = await ridgeRegression(tf, problem, samplesOf(consumer, uncut, cut, perImage), signal);
  return solution ? float32(current.dims, fromMatrix(solution, outputs, consumer.layer)) : current;
}

/** What the consumer reads in the cut network and what it makes in the uncut one, batch by batch. */
function* samplesOf(consumer: Consumer, uncut: Values[], cut: Values[], perImage: number): Generator<Samples> {
  for (const [batch, values] of cut.entries()) {
    const target = volume(held(uncut[batch] ?? new Map(), consumer.output));
    const [, , outHeight, outWidth] = target.dims;
    const at = samplePositions(outHeight * outWidth, perImage, randomGenerator(`${consumer.node.name}/${batch}`));
    yield {
      x: inputRows(volume(held(values, consumer.input)), consumer.layer, outWidth, at),
      y: outputRows(target, consumer.keptOutputs, at, consumer.bias),
    };
  }
}

function volume({ data, dims }: TensorOf<'float32'>): Volume {
  const [n = 1, c = 1, h = 1, w = 1] = dims;
  return { data, dims: [n, c, h, w] };
}
