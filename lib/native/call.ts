/** How calls of the addon are stopped by an `AbortSignal`, and kept in order where they share an object. */

import { setMaxListeners } from 'node:events';
import { Interrupted } from '../errors.js';
import type { Token } from './binding.js';
import { requireSignal } from './check.js';
import { findDevice, needsDevice } from './device.js';

/** What every asynchronous call takes. */
export interface CallOptions {
  /**
   * Stops the work. The promise is rejected with `Interrupted` once the work has really ended, so that the arrays that
   * were passed are the caller's again.
   */
  signal?: AbortSignal | undefined;
}

/**
 * Starts a call and connects it with the signal; what `start` throws becomes a rejection.
 *
 * @param work the multiply-adds that a CUDA device would take over, if the call is one for it
 */
export async function call<T>(
  options: CallOptions | undefined,
  start: (token?: Token) => Promise<T>,
  work?: number,
): Promise<T> {
  const signal = options?.signal;
  if (signal !== undefined) {
    requireSignal(signal);
    if (signal.aborted) throw new Interrupted();
  }
  const search = work !== undefined && needsDevice(work) ? findDevice() : undefined;
  if (signal === undefined) {
    await search;
    return start();
  }
  const token = new Int32Array(1);
  let stop = () => {};
  const stopped = new Promise<'stopped'>((resolve) => {
    stop = () => {
      token[0] = 1;
      resolve('stopped');
    };
  });
  // Many calls may wait for one signal; Node warns from eleven on. A signal of another maker has no such limit.
  if (signal instanceof EventTarget) setMaxListeners(0, signal);
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (search !== undefined && (await Promise.race([search, stopped])) === 'stopped') throw new Interrupted();
    return await start(token);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'TASCNET_CANCELLED') throw new Interrupted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Runs calls one after the other, in the order in which they were made; a failed one does not stop those behind it. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
