/** The thread that reads an HDF5 file: answers questions about it, one at a time. */

import { workerData } from 'node:worker_threads';
import { messageOf, TascnetError } from '../errors.js';
import type { Hdf5Reply, Hdf5Request, Hdf5Setup } from './keras/hdf5.js';
import { openHdf5 } from './keras/hdf5-file.js';

const { bytes, port, answered } = workerData as Hdf5Setup;

function send(reply: Hdf5Reply, moved: ArrayBuffer[] = []): void {
  port.postMessage(reply, moved);
  Atomics.store(answered, 0, 1);
  Atomics.notify(answered, 0);
}

function sendError(error: unknown): void {
  send({ error: messageOf(error), hint: error instanceof TascnetError ? error.hint : undefined });
}

try {
  const file = await openHdf5(bytes);
  port.on('message', ({ question, path, attribute }: Hdf5Request) => {
    try {
      if (question === 'tensor') {
        const { dims, data } = file.tensor(path);
        send({ value: { dims, data } }, data.buffer instanceof ArrayBuffer ? [data.buffer] : []);
      } else send({ value: file[question](path, attribute) });
    } catch (error) {
      sendError(error);
    }
  });
  send({ value: undefined });
} catch (error) {
  sendError(error);
}
