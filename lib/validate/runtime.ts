/** ONNX Runtime in a child process, with a time limit. */

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Interrupted, TascnetError } from '../errors.js';
import type { Reply, Request, WireTensor } from './protocol.js';

export interface RuntimeOptions {
  /** Threads of ONNX Runtime; 0 leaves the choice to it. */
  threads?: number;
  /** Longest time of one request. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

export interface LoadedModel {
  run(inputs: WireTensor[]): Promise<WireTensor[]>;
  unload(): Promise<void>;
  /** Its number in the child process. */
  id: number;
}

export interface Runtime {
  /** @param path a file that tascnet itself has written: what strangers wrote is verified first. */
  load(path: string): Promise<LoadedModel>;
  /** Milliseconds of each run of each model, interleaved. */
  latency(models: { model: LoadedModel; inputs: WireTensor[] }[], runs: number, warmup: number): Promise<number[][]>;
  close(): void;
}

/** The worker is always the built one: a child process runs JavaScript, also when this file is run from its source. */
function workerPath(): string {
  const beside = fileURLToPath(new URL('./worker.js', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('../../dist/validate/worker.js', import.meta.url));
}

type Body = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

/** Starts the child process. @throws TascnetError (from its methods) when it crashes, is too slow, or refuses a model. */
export async function openRuntime({ threads = 0, timeoutMs = 600_000, signal }: RuntimeOptions = {}): Promise<Runtime> {
  const child = fork(workerPath(), {
    serialization: 'advanced',
    // In a group of its own: Ctrl-C in a terminal is ours to answer, and would end it before we have.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
    // ONNX Runtime 1.30 reports its use to its makers and leaves a log in the temporary folder, unless it is told not to.
    env: { ORT_DISABLE_TELEMETRY: '1', ...process.env },
  });
  const ask = requester(child, timeoutMs, signal);
  await ask({ kind: 'configure', threads });
  let models = 0;
  return {
    async load(path) {
      const id = models++;
      await ask({ kind: 'load', model: id, path });
      return {
        id,
        run: async (inputs) => (await ask({ kind: 'run', model: id, inputs })) as WireTensor[],
        unload: async () => {
          await ask({ kind: 'unload', model: id });
        },
      };
    },
    latency: async (timed, runs, warmup) => {
      const requests = timed.map(({ model, inputs }) => ({ model: model.id, inputs }));
      return (await ask({ kind: 'latency', models: requests, runs, warmup })) as number[][];
    },
    close: () => {
      child.disconnect();
      child.kill();
    },
  };
}

/** Sends requests and settles each with its answer, or with the reason why none will come. */
function requester(child: ChildProcess, timeoutMs: number, signal: AbortSignal | undefined) {
  const waiting = new Map<number, { resolve: (value: Reply['value']) => void; reject: (error: Error) => void }>();
  let requests = 0;
  let complaints = '';
  let over: Error | undefined;
  const fail = (error: Error) => {
    over ??= error;
    for (const { reject } of waiting.values()) reject(over);
    waiting.clear();
  };
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-2000);
  });
  child.on('error', (error) => fail(new TascnetError(`ONNX Runtime could not be started: ${error.message}.`)));
  child.on('exit', (code, killedBy) => {
    const how = killedBy ? `was ended by ${killedBy}` : `ended with exit code ${code}`;
    fail(new TascnetError(`The ONNX Runtime process ${how}.${complaints ? ` It said: ${complaints.trim()}` : ''}`));
  });
  child.on('message', ({ id, value, error }: Reply) => {
    const settle = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) settle?.resolve(value);
    else settle?.reject(new TascnetError(`ONNX Runtime: ${error}`));
  });
  const abort = () => {
    fail(new Interrupted());
    child.kill();
  };
  signal?.addEventListener('abort', abort, { once: true });
  child.on('exit', () => signal?.removeEventListener('abort', abort));

  return (body: Body): Promise<Reply['value']> => {
    if (over) return Promise.reject(over);
    const id = requests++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        fail(new TascnetError(`ONNX Runtime did not answer within ${timeoutMs / 1000} s.`));
        child.kill('SIGKILL');
      }, timeoutMs);
      const settled =
        <T extends unknown[]>(action: (...values: T) => void) =>
        (...values: T) => {
          clearTimeout(timer);
          action(...values);
        };
      waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
      child.send({ ...body, id });
    });
  };
}
