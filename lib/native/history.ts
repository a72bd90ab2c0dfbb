/**
 * The history of a layer's weights over its training, in memory that does not grow with the number of epochs (HBFP,
 * Basha et al. 2021): per channel the summed L1 norm, and G ← G + W·Wᵀ, from which the cosine similarity of any two
 * channels' concatenated histories follows as G_ij / √(G_ii · G_jj).
 */

import { binding, type Handle } from './binding.js';
import { type CallOptions, call, Queue } from './call.js';
import { requireArray, requireBytes, requireOwnMemory } from './check.js';
import { comparisons } from './device.js';
import type { ChannelPairs, WeightOptions, Weights } from './scores.js';

const MAGIC = 0x3148_4e54; // "TNH1"
const HEADER = 4; // magic, records, axis, rank; then the dims

/**
 * Made by `createHistory` or `History.restore`. Calls on one history run in the order in which they were made, each after
 * the one before it, so they need not be awaited one by one. A history belongs to the thread that made it; `serialize`
 * takes it to another.
 */
export class History {
  readonly #handle: Handle;
  readonly #queue = new Queue();
  #dims: number[];
  #records: number;
  readonly axis: number;

  /** As `createHistory`. @throws as it does */
  constructor(dims: readonly number[], axis: number);
  /** @internal */
  constructor(dims: readonly number[], axis: number, records: number);
  constructor(dims: readonly number[], axis: number, records = 0) {
    this.#handle = binding().historyCreate(dims, axis); // which checks the dims
    this.#dims = [...dims];
    this.#records = records;
    this.axis = axis;
  }

  /** The shape that is recorded. */
  get dims(): readonly number[] {
    return this.#dims;
  }

  get channels(): number {
    return this.#dims[this.axis] ?? 0;
  }

  /** How many times weights were recorded. */
  get records(): number {
    return this.#records;
  }

  /**
   * Adds the weights as they are now (one epoch). The array is read until the promise settles: do not train on it
   * meanwhile, nor transfer its buffer. When the promise is rejected, nothing was added.
   *
   * @param weights of shape `dims`, row-major unless `strides` says otherwise
   * @param options `dims`: another shape with the same number of channels, from here on (the layer's other axes were cut)
   * @throws TypeError, RangeError naming a wrong argument, or the channel when a weight is not finite
   */
  record(weights: Weights, options?: WeightOptions & { dims?: readonly number[] | undefined }): Promise<void> {
    return this.#queue.run(async () => {
      const given = options?.dims ?? this.#dims;
      requireArray(given, 'dims');
      const dims = [...given];
      await call(
        options,
        (token) =>
          binding().historyRecord(this.#handle, weights, dims, this.axis, token, options?.dtype, options?.strides),
        comparisons(dims, this.axis),
      );
      this.#dims = dims;
      this.#records++;
    });
  }

  /**
   * Per channel the sum over all records of Σ |w|.
   *
   * @throws Error while another call on this history runs
   */
  l1(): Float64Array {
    return binding().historyL1(this.#handle);
  }

  /**
   * G, channels × channels.
   *
   * @throws RangeError where there is no memory for it
   */
  gram(options?: CallOptions): Promise<Float64Array> {
    return this.#queue.run(() => call(options, (token) => binding().historyGram(this.#handle, token)));
  }

  /**
   * Cosine similarities, channels × channels; 0 where a channel was zero throughout.
   *
   * @throws RangeError where there is no memory for them
   */
  cosine(options?: CallOptions): Promise<Float64Array> {
    return this.#queue.run(() => call(options, (token) => binding().historyCosine(this.#handle, token)));
  }

  /**
   * The k most similar pairs, most similar first; fewer when there are fewer.
   *
   * @throws TypeError, RangeError when k is not an integer of at least 0
   */
  topPairs(k: number, options?: CallOptions): Promise<ChannelPairs> {
    return this.#queue.run(() => call(options, (token) => binding().historyTopPairs(this.#handle, k, token)));
  }

  /**
   * Goes on with these channels, in this order: the layer was cut in the middle of its history. When the promise is
   * rejected, it has those that it had.
   *
   * @param indices each at most once
   * @throws TypeError, RangeError naming the index that is wrong
   */
  keep(indices: Int32Array, options?: CallOptions): Promise<void> {
    return this.#queue.run(async () => {
      let dims = this.#dims;
      await call(options, (token) => {
        const done = binding().historyKeep(this.#handle, indices, token);
        dims = this.#dims.with(this.axis, indices.length);
        return done;
      });
      this.#dims = dims;
    });
  }

  /** Everything, for `History.restore`: 16 + 4 · rank bytes rounded up to a multiple of 8, then channels · (channels + 3) / 2 doubles, little-endian. */
  serialize(options?: CallOptions): Promise<Uint8Array> {
    return this.#queue.run(async () => {
      const head = headBytes(this.#dims.length);
      const { buffer } = await call(options, (token) => binding().historySave(this.#handle, head / 8, token));
      const view = new DataView(buffer, 0, head);
      const header = [MAGIC, this.#records, this.axis, this.#dims.length, ...this.#dims];
      for (const [i, value] of header.entries()) view.setUint32(4 * i, value, true);
      return new Uint8Array(buffer);
    });
  }

  /**
   * The history that was serialised. The bytes are read until the promise settles.
   *
   * @throws TypeError when they are not a Uint8Array on memory of its own; RangeError when they are not those of a history
   */
  static async restore(bytes: Uint8Array, options?: CallOptions): Promise<History> {
    requireBytes(bytes, 'bytes');
    requireOwnMemory(bytes, 'bytes');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const wrong = (what: string) => new RangeError(`Expected a serialised history for bytes but received ${what}`);
    if (bytes.length < 4 * HEADER || view.getUint32(0, true) !== MAGIC) throw wrong('bytes of another kind');
    const [records, axis, rank] = [4, 8, 12].map((at) => view.getUint32(at, true)) as [number, number, number];
    if (rank > 16 || axis >= rank || bytes.length < headBytes(rank)) throw wrong('a damaged header');
    const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 * (HEADER + i), true));
    const channels = dims[axis] ?? 0;
    const expected = headBytes(rank) + 4 * channels * (channels + 3);
    if (bytes.length !== expected) throw wrong(`${bytes.length} bytes instead of ${expected}`);
    const history = new History(dims, axis, records);
    const state = doublesOf(bytes.subarray(headBytes(rank)));
    await call(options, (token) => binding().historyRestore(history.#handle, state, token));
    return history;
  }
}

/** In place where they are aligned. */
function doublesOf(bytes: Uint8Array): Float64Array {
  // Not `slice`, which gives a Buffer's own memory again.
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  return new Float64Array(buffer, byteOffset, byteLength / 8);
}

/** The header, rounded up so that the doubles behind it are aligned. */
function headBytes(rank: number): number {
  return 8 * Math.ceil((HEADER + rank) / 2);
}

/**
 * An empty history of a tensor of this shape, channels along `axis`. It will take 8 · channels² bytes; at most 16,384
 * channels.
 *
 * @throws TypeError, RangeError naming a wrong argument
 */
export function createHistory(dims: readonly number[], axis: number): History {
  return new History(dims, axis);
}
