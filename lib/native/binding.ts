/** The addon as the C++ side exports it, and how it is found. Nothing else in the code loads it. */

import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { messageOf, TascnetError } from '../errors.js';

/** Set its first element to 1 to stop the call that was given it. */
export type Token = Int32Array;

/** A C++ object; good for nothing but being handed back. */
export type Handle = { readonly handle: unique symbol };

export interface PairArrays {
  first: Int32Array;
  second: Int32Array;
  similarity: Float64Array;
}

export interface FoldedLayer {
  weight: Float32Array;
  bias: Float32Array;
}

type Dims = readonly number[];

/** Row-major numbers; float16 and bfloat16 are their bits. */
export type Weights = Float32Array | Uint16Array;
/** What the numbers of a Uint16Array mean; a Float32Array needs none. */
export type DType = 'float32' | 'float16' | 'bfloat16';

type Score = (
  tensor: Weights,
  dims: Dims,
  axis: number,
  token?: Token,
  dtype?: DType,
  strides?: Dims,
) => Promise<Float64Array>;

type Fold = (
  weight: Float32Array,
  dims: Dims,
  axis: number,
  bias: Float32Array | undefined,
  scale: Float32Array,
  shift: Float32Array,
  mean: Float32Array,
  variance: Float32Array,
  epsilon: number,
  token?: Token,
  out?: FoldedLayer,
) => Promise<FoldedLayer>;

/** Arguments are checked in C++; a wrong one throws before anything has started. */
export interface Binding {
  threads: number;
  simd: string;
  /** The CUDA device in use, if one was opened. */
  device(): string | undefined;
  /** Rejects saying why the library or its device is of no use. */
  deviceOpen(library: string, use: 'worthwhile' | 'always'): Promise<void>;
  /** Multiply-adds from which comparing channels is worth the way to a device. */
  worthwhile: number;
  norms(
    tensor: Weights,
    dims: Dims,
    axis: number,
    kind: string,
    token?: Token,
    dtype?: DType,
    strides?: Dims,
  ): Promise<Float64Array>;
  normsOfAll(tensors: readonly object[], kind: string, token?: Token): Promise<Float64Array[]>;
  taylor(
    weight: Weights,
    gradient: Weights,
    dims: Dims,
    axis: number,
    kind: string,
    token?: Token,
    dtype?: DType,
    strides?: Dims,
  ): Promise<Float64Array>;
  geometricMedian: Score;
  lamp: Score;
  cosinePairs(gram: Float64Array, n: number, k: number, token?: Token): Promise<PairArrays>;
  rankChannels(scores: Float64Array, count: number | undefined, token?: Token): Promise<Int32Array>;
  historyCreate(dims: Dims, axis: number): Handle;
  historyRecord(
    history: Handle,
    weights: Weights,
    dims: Dims,
    axis: number,
    token?: Token,
    dtype?: DType,
    strides?: Dims,
  ): Promise<void>;
  historyL1(history: Handle): Float64Array;
  historyGram(history: Handle, token?: Token): Promise<Float64Array>;
  historyCosine(history: Handle, token?: Token): Promise<Float64Array>;
  historyTopPairs(history: Handle, k: number, token?: Token): Promise<PairArrays>;
  historyKeep(history: Handle, indices: Int32Array, token?: Token): Promise<void>;
  historySave(history: Handle, room: number, token?: Token): Promise<Float64Array>;
  historyRestore(history: Handle, state: Float64Array, token?: Token): Promise<void>;
  applySurgery(cuts: readonly object[], token?: Token): Promise<ArrayBufferView[]>;
  costCompile(program: object): Handle;
  costEvaluate(cost: Handle, configurations: Int32Array, token?: Token): Promise<Float64Array>;
  regressCreate(inputs: number, outputs: number): Handle;
  regressAdd(equations: Handle, x: Weights, y: Weights, count: number, token?: Token, dtype?: DType): Promise<void>;
  regressSolve(equations: Handle, ridge: number, prior: Float32Array | undefined, token?: Token): Promise<Float32Array>;
  preprocessImages(
    pixels: Uint8Array,
    count: number,
    format: object,
    changes: Float64Array | undefined,
    out: Float32Array,
    token?: Token,
  ): Promise<Float32Array>;
  /** Why TensorFlow could not be given our kernels, or undefined. */
  registerTensorflowKernels(): string | undefined;
  foldBatchNorm: Fold;
  unfoldBatchNorm: Fold;
}

/** Of this file, or of the bundle that it became part of; one in CommonJS knows itself by `__filename` alone. */
const here =
  typeof __filename === 'string' && __filename !== globalFilename() ? pathToFileURL(__filename).href : import.meta.url;

/** Where code comes from a string (`node -e`, some workers), everybody sees a `__filename` that is nobody's. */
function globalFilename(): unknown {
  return Reflect.get(globalThis, '__filename');
}

/**
 * Where the binary may be, best first: the folder of the package is one up from dist/native.js, two up from this file; a
 * bundle has it beside itself.
 */
function candidates(): string[] {
  const chosen = process.env.TASCNET_ADDON;
  if (chosen !== undefined && chosen !== '') return [chosen];
  const prebuilt = `prebuilds/${process.platform}-${process.arch}/tascnet.node`;
  const packaged = ['../', '../../'].flatMap((root) => [`${root}${prebuilt}`, `${root}build/Release/tascnet.node`]);
  const bundled = [`./${prebuilt}`, './tascnet.node'];
  return [...packaged, ...bundled].map((path) => fileURLToPath(new URL(path, here)));
}

/** Not `require`, which a bundler would follow. */
function open(path: string): Binding {
  const opened = { exports: {} };
  process.dlopen(opened, path);
  return opened.exports as Binding;
}

let loaded: { binding: Binding; path: string } | undefined;

/** Loads the addon on the first call. Throws `TascnetError` where it is missing or does not load. */
export function load(): { binding: Binding; path: string } {
  if (loaded !== undefined) return loaded;
  const failures: string[] = [];
  for (const path of candidates()) {
    if (!existsSync(path)) {
      failures.push(`${path} does not exist`);
      continue;
    }
    try {
      loaded = { binding: open(path), path };
      return loaded;
    } catch (error) {
      failures.push(`${path} does not load: ${messageOf(error)}`);
    }
  }
  throw new TascnetError(`The native addon cannot be loaded: ${failures.join('; ')}.`, {
    hint: 'Build it with "npm run build:native", or "npm rebuild tascnet" where tascnet is a dependency.',
  });
}

export const binding = (): Binding => load().binding;
