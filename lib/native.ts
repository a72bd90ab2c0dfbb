/**
 * tascnet/native: the addon for other tools. Typed arrays and shapes in, typed arrays out; no graph, no engine.
 *
 * - Tensors are row-major; scores and histories take others by their `strides`. Weights are Float32Array (scores, histories,
 *   least squares and merges also take float16 and bfloat16, as a Uint16Array with `dtype`), scores Float64Array, indices
 *   Int32Array.
 * - Work runs off the event loop on all cores (`TASCNET_THREADS` bounds them, for the whole process). Results do not depend
 *   on the number of threads. Every asynchronous call but `findDevice` takes `{ signal }`. What has no weights to work on is
 *   done at once: `planSurgery`, `compileCost`, `History.l1`.
 * - Calls run side by side; those on one `History` or `LeastSquares` one after the other, in the order in which they were
 *   made.
 * - Each call waits for its result on one of libuv's threads (`UV_THREADPOOL_SIZE`, 4 by default), as file access does.
 * - Arrays that are passed are read in place until the promise settles, never written (but for an `out`) and never copied
 *   (but where `strides` want it, scores to be ranked, and lists of indices): do not change them or transfer their buffers meanwhile. Those on a SharedArrayBuffer, a resizable or a detached
 *   buffer are refused. Results belong to the caller.
 * - A wrong argument rejects with a TypeError or RangeError that names it, what came and what was expected (the
 *   synchronous calls throw it); a signal rejects with `Interrupted`, once the work has ended.
 * - Where the addon's CUDA half was built and a device answers and passes a trial in a process of its own, large histories,
 *   FPGM scores and normal equations are computed there; `TASCNET_CUDA=0` keeps them on the processor.
 * - Importing loads nothing; the first call loads the binary, and throws `TascnetError` with a hint where there is none.
 *   It works in worker threads too; handles (`History`, `CompiledCost`, `LeastSquares`) belong to the thread that made them.
 */

import { load } from './native/binding.js';

export { Interrupted, TascnetError } from './errors.js';
export type { CallOptions } from './native/call.js';
export {
  type AffineForm,
  CompiledCost,
  type CostKind,
  type CostTerms,
  compileCost,
  countCost,
  type NativeCostTerm,
} from './native/cost.js';
export { type DeviceSearch, findDevice } from './native/device.js';
export { type FoldedLayer, type FoldOptions, foldBatchNorm, unfoldBatchNorm } from './native/fold.js';
export { createHistory, History } from './native/history.js';
export { IMAGE_CHANGE_LENGTH, type ImageFormat, preprocessImages } from './native/images.js';
export { createLeastSquares, LeastSquares } from './native/least-squares.js';
export { type ChannelGroup, type ChannelMember, type PlannedCut, planSurgery } from './native/plan.js';
export {
  batchNormScale,
  type ChannelPairs,
  type ChannelTensor,
  cosinePairs,
  type DType,
  geometricMedian,
  lamp,
  type NormKind,
  norms,
  normsOfAll,
  rankChannels,
  taylor,
  type WeightOptions,
  type Weights,
} from './native/scores.js';
export { type AxisCut, applySurgery, type Cut, type Numbers } from './native/surgery.js';
export { registerTensorflowKernels } from './native/tensorflow.js';

/**
 * What the addon runs on: its file, the threads it may use, the instruction set that was chosen, and the CUDA device in use,
 * if one was found so far (`findDevice` looks for one).
 */
export interface AddonInfo {
  path: string;
  threads: number;
  simd: string;
  device: string | undefined;
}

/** Loads the addon and describes it. */
export function addonInfo(): AddonInfo {
  const { binding, path } = load();
  return { path, threads: binding.threads, simd: binding.simd, device: binding.device() };
}
