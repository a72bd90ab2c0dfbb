/** The evidence about exported models, all of it measured on the files in ONNX Runtime. */

import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { costOf } from '../analyze/cost.js';
import { requireFinite } from '../analyze/finite.js';
import { inferShapes } from '../analyze/shapes.js';
import type { BatchSource } from '../data/batch.js';
import { Interrupted, messageOf, TascnetError } from '../errors.js';
import { load, save } from '../formats/index.js';
import type { Graph } from '../graph/graph.js';
import type { WireTensor } from './protocol.js';
import { type LoadedModel, openRuntime, type Runtime } from './runtime.js';
import { type Proportion, proportion, type Timing, timing } from './statistics.js';

/** What can be told of a model file without running it. */
export interface ModelSize {
  macs: number;
  parameters: number;
  trainableParameters: number;
  /** Size of the file with its external data. */
  bytes: number;
}

/** One model's figures. */
export interface Evidence extends ModelSize {
  /** Top-1 on the test split, with its 95 % interval (Wilson). Absent without data. */
  accuracy?: Proportion;
  /** Medians. */
  latencyMs: { batch1: number; batch32: number };
  latency: { batch1: Timing; batch32: Timing };
}

export interface MeasureOptions {
  /** Test data in the models' own layout (`plain` batches); without it no accuracy is measured. */
  test?: BatchSource | undefined;
  threads?: number;
  /** Sets what a file leaves open, such as the number of tokens. */
  settle?: ((graph: Graph) => Graph) | undefined;
  /** Timed runs at batch 1 and 32. */
  runs?: { batch1: number; batch32: number };
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number, what: string) => void) | undefined;
}

export interface Measured {
  /** In the order of the files. */
  entries: Evidence[];
  /** Predicted class of every test sample, by file. */
  predictions: Int32Array[];
}

/**
 * Measures models side by side: accuracy over the test data, then latency with the models' runs interleaved.
 * @throws TascnetError when a file is no valid model, takes something else than images or token ids, or ONNX Runtime fails.
 */
export async function measure(paths: readonly string[], options: MeasureOptions = {}): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'tascnet-validate-'));
  try {
    return await measureIn(folder, paths, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param folder for verified copies of the files: ONNX Runtime is given nothing that a stranger wrote. */
async function measureIn(folder: string, paths: readonly string[], options: MeasureOptions): Promise<Measured> {
  const { settle = (graph: Graph) => graph } = options;
  const graphs = await Promise.all(paths.map(async (path) => settle(await load(path))));
  const runtime = await openRuntime({ threads: options.threads ?? 0, signal: options.signal });
  try {
    const models: LoadedModel[] = [];
    for (const [index, graph] of graphs.entries()) {
      const verified = join(folder, `${index}.onnx`);
      const path = paths[index] ?? '';
      requireFinite(graph, path);
      requireManageable(graph, path);
      await save(graph, verified);
      models.push(await loadAs(runtime, verified, path));
    }
    const scored = options.test ? await accuracies(models, options.test, options) : undefined;
    const runs = options.runs ?? { batch1: 60, batch32: 15 };
    const batch1 = await timings(runtime, models, graphs, paths, 1, runs.batch1);
    const batch32 = await timings(runtime, models, graphs, paths, 32, runs.batch32);
    const entries = await Promise.all(
      graphs.map(async (graph, index): Promise<Evidence> => {
        const one = timing(batch1[index] ?? []);
        const many = timing(batch32[index] ?? []);
        const correct = scored?.correct[index];
        return {
          ...(scored && correct !== undefined ? { accuracy: proportion(correct, scored.samples) } : {}),
          ...(await modelSize(graph, paths[index] ?? '')),
          latencyMs: { batch1: one.median, batch32: many.median },
          latency: { batch1: one, batch32: many },
        };
      }),
    );
    return { entries, predictions: scored?.predictions ?? [] };
  } finally {
    runtime.close();
  }
}

/** Values of more elements than this fit into no machine that runs the model: a damaged or hostile file. */
const MAX_ELEMENTS = 2 ** 33;

/** @throws TascnetError naming a node that makes a value too large to be computed. */
function requireManageable(graph: Graph, path: string): void {
  const { types } = inferShapes(graph);
  const sizeOfValue = (name: string) =>
    (types.get(name)?.dims ?? []).reduce<number>(
      (size, extent) => (typeof extent === 'number' ? size * extent : size),
      1,
    );
  for (const { op, name, outputs } of graph.nodes)
    for (const output of outputs)
      if (sizeOfValue(output) > MAX_ELEMENTS)
        throw new TascnetError(
          `${path}: ${op} "${name}" makes a value of shape [${types.get(output)?.dims}], too large to be computed.`,
        );
}

/** Loads the verified copy of a model; what goes wrong is told of the person's own file. */
async function loadAs(runtime: Runtime, verified: string, path: string): Promise<LoadedModel> {
  try {
    return await runtime.load(verified);
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    throw new TascnetError(messageOf(error).replaceAll(verified, path), {
      hint: 'ONNX Runtime cannot run this model, so that it cannot be measured.',
      cause: error,
    });
  }
}

async function accuracies(models: LoadedModel[], test: BatchSource, { onProgress }: MeasureOptions) {
  const correct = models.map(() => 0);
  const predictions = models.map(() => new Int32Array(test.samples));
  let seen = 0;
  for await (const { inputs, shape, labels } of test.batches(0)) {
    for (const [index, model] of models.entries()) {
      const [logits] = await model.run([{ data: inputs, dims: shape }]);
      if (!logits) throw new TascnetError('The model has no output.');
      const classes = logits.data.length / labels.length;
      labels.forEach((label, row) => {
        const best = argMax(logits.data, row * classes, classes);
        const list = predictions[index];
        if (list) list[seen + row] = best;
        if (best === label) correct[index] = (correct[index] ?? 0) + 1;
      });
    }
    seen += labels.length;
    onProgress?.(seen, test.samples, 'test samples');
  }
  return { correct, predictions, samples: seen };
}

function argMax(data: Float32Array, start: number, count: number): number {
  let best = 0;
  for (let index = 1; index < count; index++) if ((data[start + index] ?? 0) > (data[start + best] ?? 0)) best = index;
  return best;
}

async function timings(
  runtime: Runtime,
  models: LoadedModel[],
  graphs: Graph[],
  paths: readonly string[],
  batch: number,
  runs: number,
): Promise<number[][]> {
  const timed = models.map((model, index) => ({
    model,
    inputs: (graphs[index]?.inputs ?? []).map((input) => exampleInput(input, batch, paths[index] ?? '')),
  }));
  return runtime.latency(timed, runs, Math.max(2, Math.ceil(runs / 10)));
}

/** What can be handed to the child process at once: 2 GiB. */
const MAX_INPUT_ELEMENTS = 2 ** 29;

/** An input of the declared shape with `batch` in the first place (when it is free); values between 0 and 1, or these as ids. */
export function exampleInput(input: Graph['inputs'][number], batch: number, path: string): WireTensor {
  const ids = input.dtype === 'int64' || input.dtype === 'int32';
  if (!input.dims || !(ids || input.dtype === 'float32')) {
    const shape = input.dims ? `[${input.dims}]` : 'of unknown rank';
    throw new TascnetError(
      `${path}: input "${input.name}" is ${input.dtype} ${shape}; a float32 image or token ids were expected.`,
    );
  }
  const dims = input.dims.map((dim, axis) => {
    if (typeof dim === 'number') return dim;
    if (axis === 0) return batch;
    throw new TascnetError(`${path}: the extent "${dim}" of input "${input.name}" is not fixed.`, {
      hint: ids ? 'Give the number of tokens with --text-length.' : 'Give the image size with --image-size.',
    });
  });
  const size = dims.reduce((product, extent) => product * extent, 1);
  if (size > MAX_INPUT_ELEMENTS)
    throw new TascnetError(`${path}: input "${input.name}" of shape [${dims}] is too large to be measured.`);
  const data = new Float32Array(size);
  // Every embedding has rows for the ids 0 and 1.
  for (let index = 0; index < data.length; index++)
    data[index] = ids ? index % 2 : ((index * 2654435761) % 4096) / 4096;
  return { data, dims };
}

/** The figures of the file in which a graph is saved. */
export async function modelSize(graph: Graph, path: string): Promise<ModelSize> {
  const { macs, parameters } = costOf(graph);
  return { macs, parameters, trainableParameters: parameters, bytes: await sizeOnDisk(path) };
}

async function sizeOnDisk(path: string): Promise<number> {
  const { size } = await stat(path);
  const external = await stat(`${path}.data`).catch(() => undefined);
  return size + (external?.size ?? 0);
}
