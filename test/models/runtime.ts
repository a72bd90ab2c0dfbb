/** Whole models in ONNX Runtime, on seeded random inputs. */

import * as ort from 'onnxruntime-node';
import { xoshiro128ss } from '../../lib/graph/random.js';

export interface Output {
  dims: readonly number[];
  data: Float32Array;
}

/** Uniform numbers of mean 0 and variance 1, the same for the same seed. */
export function randomInput(dims: readonly number[], seed: number): Float32Array {
  const word = xoshiro128ss(seed, 1, 2, 3);
  // The first words of such a state are not random yet.
  for (let index = 0; index < 32; index++) word();
  const data = new Float32Array(dims.reduce((product, extent) => product * extent, 1));
  return data.map(() => 1.7320508 * (word() / 2147483648 - 1));
}

/** Words are told by their numbers: 0 to 15 for most of what is drawn. */
function wordOf(drawn: number): bigint {
  return BigInt(Math.min(15, Math.floor(Math.abs(drawn) * 8)));
}

export interface RunOptions {
  /** Extents of symbols; any other symbol is `batch`. */
  symbols?: Record<string, number>;
  batch?: number;
  /** Without graph optimisations, so that two forms of a network do the same arithmetic. */
  plain?: boolean;
  /** Inputs by name, in place of random ones. */
  inputs?: Record<string, Output>;
}

/** The float outputs of a model, by name, for random inputs of the shapes that it asks for. */
export async function runModel(
  model: Uint8Array | string,
  { symbols = {}, batch = 2, plain = true, inputs = {} }: RunOptions = {},
): Promise<Record<string, Output>> {
  const options: ort.InferenceSession.SessionOptions = {
    graphOptimizationLevel: plain ? 'disabled' : 'all',
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  };
  const session =
    typeof model === 'string'
      ? await ort.InferenceSession.create(model, options)
      : await ort.InferenceSession.create(model, options);
  try {
    const feeds: Record<string, ort.Tensor> = {};
    for (const [index, input] of session.inputMetadata.entries()) {
      if (!input.isTensor) throw new Error(`${input.name} is not a tensor.`);
      const given = inputs[input.name];
      const dims = given?.dims ?? input.shape.map((e) => (typeof e === 'number' && e > 0 ? e : (symbols[e] ?? batch)));
      const data = given?.data ?? randomInput(dims, index);
      feeds[input.name] =
        input.type === 'int64'
          ? new ort.Tensor('int64', BigInt64Array.from(data, wordOf), [...dims])
          : new ort.Tensor('float32', data, [...dims]);
    }
    const results = await session.run(feeds);
    const outputs: Record<string, Output> = {};
    for (const name of session.outputNames) {
      const result = results[name];
      if (!result) throw new Error(`No output ${name}.`);
      outputs[name] = { dims: result.dims, data: Float32Array.from(result.data as Float32Array, Number) };
    }
    return outputs;
  } finally {
    await session.release();
  }
}

/** The largest difference, as a share of the largest magnitude in `expected`. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let error = 0;
  let scale = 0;
  for (const [index, value] of expected.entries()) {
    error = Math.max(error, Math.abs((actual[index] ?? Number.NaN) - value));
    if (Number.isNaN(error)) return Number.POSITIVE_INFINITY;
    scale = Math.max(scale, Math.abs(value));
  }
  return scale === 0 ? error : error / scale;
}
