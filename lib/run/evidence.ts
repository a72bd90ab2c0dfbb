/** The proof that an exported file is the network that was trained: the engine's outputs against ONNX Runtime's. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel } from '../engine/model.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { openRuntime } from '../validate/runtime.js';
import { exportModel, type Provenance } from './export.js';
import type { Hooks } from './hooks.js';

/** Outputs of the engine and of ONNX Runtime may differ by this fraction of the outputs' scale. */
export const PARITY_LIMIT = 1e-4;

/**
 * Writes the deployable form of `trained` to `path`, where it stands only once its outputs were found to be the engine's.
 * @returns the largest difference between the two, as of `parity`.
 * @throws TascnetError when it cannot be written or is another network; an older file of that name then stays.
 */
export async function exportProven(
  engine: Engine,
  trained: Graph,
  path: string,
  provenance: Provenance,
  test: BatchSource,
  hooks: Pick<Hooks, 'signal'>,
): Promise<number> {
  let difference = Number.NaN;
  await exportModel(trained, path, provenance, async (temporary) => {
    difference = await parity(engine, trained, temporary, test, hooks);
    if (difference <= PARITY_LIMIT) return;
    throw new TascnetError(
      `${path} was not written: ONNX Runtime's outputs differ from the engine's by ${difference.toExponential(1)} of their scale.`,
      { hint: 'This is a defect of tascnet; please report it with the model.' },
    );
  });
  return difference;
}

/**
 * The largest difference between what the engine computes from `trained` and ONNX Runtime from the exported file, over one
 * test batch, as a fraction of the largest output.
 */
async function parity(
  engine: Engine,
  trained: Graph,
  path: string,
  test: BatchSource,
  { signal }: Pick<Hooks, 'signal'>,
): Promise<number> {
  const { tf } = engine;
  const [batch] = await firstOf(test);
  if (!batch) throw new TascnetError('There are no test samples to compare the outputs on.');
  const model = buildModel(engine, trained);
  const runtime = await openRuntime({ signal });
  try {
    const input = tf.tensor(batch.inputs, batch.shape);
    const [output] = model.forward([{ tensor: input, layout: batch.layout }], { training: false, seed: 0 });
    const ours = (await (output as tfjs.Tensor).data()) as Float32Array;
    tf.dispose([input, output as tfjs.Tensor]);
    const loaded = await runtime.load(path);
    const [theirs] = await loaded.run([{ data: batch.inputs, dims: batch.shape }]);
    return relativeDifference(ours, theirs?.data ?? new Float32Array());
  } finally {
    model.dispose();
    runtime.close();
  }
}

async function firstOf(source: BatchSource) {
  for await (const batch of source.batches(0)) return [batch];
  return [];
}

/** max |a − b| / max |b|. */
function relativeDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let scale = 0;
  let worst = 0;
  for (let index = 0; index < a.length; index++) {
    scale = Math.max(scale, Math.abs(b[index] ?? 0));
    worst = Math.max(worst, Math.abs((a[index] ?? 0) - (b[index] ?? 0)));
  }
  return worst / Math.max(scale, Number.MIN_VALUE);
}
