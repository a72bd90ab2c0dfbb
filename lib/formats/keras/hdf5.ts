/**
 * HDF5 files, read in a thread of its own: a damaged file can send HDF5's library round in circles, or bring it down.
 * Questions are answered at once, as the library itself does.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { TascnetError } from '../../errors.js';
import type { Stored } from './weights.js';

export interface Hdf5 {
  /** The names in a group; none where there is no such group. */
  names(group: string): string[];
  /** An attribute of text; undefined where there is none. */
  text(path: string, attribute: string): string | undefined;
  /** An attribute that is a list of texts, which Keras cuts into several where it is long. */
  texts(path: string, attribute: string): string[] | undefined;
  /** A dataset of floats. */
  tensor(path: string): Stored;
}

export interface Hdf5Request {
  question: keyof Hdf5;
  path: string;
  attribute: string;
}

export type Hdf5Reply = { value: unknown } | { error: string; hint: string | undefined };

export interface Hdf5Setup {
  bytes: Uint8Array;
  port: MessagePort;
  /** Set to 1 when a reply has been sent. */
  answered: Int32Array;
}

/** What a slow machine needs for a large file, many times over. */
function defaultLimit(bytes: number): number {
  return 30_000 + bytes / 10_000;
}

/**
 * What `work` gives of the file with these bytes, which must not be used afterwards.
 * @param milliseconds how long reading may take in all.
 * @throws TascnetError when the file cannot be read.
 */
export async function withHdf5<T>(
  bytes: Uint8Array,
  work: (file: Hdf5) => T,
  milliseconds = defaultLimit(bytes.length),
): Promise<T> {
  const deadline = Date.now() + milliseconds;
  const { port1: port, port2 } = new MessageChannel();
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
  const setup: Hdf5Setup = { bytes: whole, port: port2, answered };
  const moved = whole.buffer instanceof ArrayBuffer ? [port2, whole.buffer] : [port2];
  const worker = new Worker(workerPath(), { workerData: setup, transferList: moved });
  try {
    await opened(port, worker, deadline);
    return work(questions(port, answered, deadline));
  } finally {
    port.close();
    await worker.terminate();
  }
}

/** Beside the chunk that this is part of; in the checkout, what was built. */
function workerPath(): string {
  const places = ['../formats/hdf5-worker.js', '../../../dist/formats/hdf5-worker.js'];
  const found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
  if (found === undefined) throw new TascnetError('a part of tascnet, formats/hdf5-worker.js, is missing.');
  return found;
}

const LATE = 'reading it takes too long: its HDF5 is damaged, or made to keep the reader busy.';

/** The thread says that it has opened the file, or why it cannot. */
function opened(port: MessagePort, worker: Worker, deadline: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new TascnetError(LATE)), deadline - Date.now());
    const settle = (action: () => void) => {
      clearTimeout(timer);
      action();
    };
    port.once('message', (reply: Hdf5Reply) =>
      settle(() => {
        try {
          contentOf(reply);
          resolve();
        } catch (error) {
          reject(error);
        }
      }),
    );
    worker.once('error', (error) => settle(() => reject(error)));
    worker.once('exit', () => settle(() => reject(new TascnetError('the thread that reads HDF5 ended too early.'))));
  });
}

function questions(port: MessagePort, answered: Int32Array, deadline: number): Hdf5 {
  const ask = <T>(question: keyof Hdf5, path: string, attribute = ''): T => {
    const request: Hdf5Request = { question, path, attribute };
    port.postMessage(request);
    for (;;) {
      // Taken back before looking: what is sent from here on ends the waiting.
      Atomics.store(answered, 0, 0);
      const received: { message: Hdf5Reply } | undefined = receiveMessageOnPort(port);
      if (received) return contentOf(received.message) as T;
      if (Date.now() >= deadline) throw new TascnetError(LATE);
      Atomics.wait(answered, 0, 0, deadline - Date.now());
    }
  };
  return {
    names: (group) => ask('names', group),
    text: (path, attribute) => ask('text', path, attribute),
    texts: (path, attribute) => ask('texts', path, attribute),
    tensor: (path) => ask('tensor', path),
  };
}

function contentOf(reply: Hdf5Reply): unknown {
  if ('value' in reply) return reply.value;
  throw new TascnetError(reply.error, reply.hint === undefined ? {} : { hint: reply.hint });
}
