/**
 * Trials in processes of their own, several at once. One that is killed (by the system, out of memory) costs its trial, not
 * the search: the trial has failed, and the next one gets a new process.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Engine } from '../engine/engine.js';
import { Interrupted, TascnetError, throwIfAborted } from '../errors.js';
import { writeOnnx } from '../formats/onnx/index.js';
import type { PoolReply, PoolRequest, Setup } from './pool-protocol.js';
import type { RunnerOptions, TrialRunner } from './runner.js';
import type { SpaceOptions } from './space-of-graph.js';
import { failedTrial } from './trial.js';

export interface PoolOptions extends RunnerOptions {
  /** Trials at once. */
  jobs: number;
  /** What the searchable was made with. */
  space: SpaceOptions | undefined;
}

/** Bytes of features that all processes together hold in memory, for each split. */
const IN_MEMORY = 512 * 2 ** 20;

/** The worker is always the built one: a child process runs JavaScript, also when this file is run from its source. */
function workerPath(): string {
  const beside = fileURLToPath(new URL('./trial-worker.js', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('../../dist/search/trial-worker.js', import.meta.url));
}

/** @throws TascnetError when the network cannot be written for the processes. */
export async function openPool(
  engine: Engine,
  { jobs, searchable, space, folder, signal, training, stop }: PoolOptions,
): Promise<TrialRunner> {
  const shared = mkdtempSync(join(tmpdir(), 'tascnet-trials-'));
  const model = join(shared, 'model.onnx');
  await writeOnnx(searchable.graph, model);
  const setup: Setup = {
    kind: 'setup',
    model,
    space,
    folder,
    setting: { training, stop },
    backend: engine.backend === 'cpu' ? 'cpu' : 'auto',
    threads: Math.max(1, Math.floor(engine.threads / jobs)),
    inMemory: IN_MEMORY / jobs,
  };
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  let works = false;
  const start = async (): Promise<Worker | Ended> => {
    const worker = startWorker();
    all.add(worker);
    const reply = await worker.ask(setup, signal);
    if ('error' in reply) throw refusal(reply);
    if (!('ended' in reply)) return worker;
    // Where one has started, the network and the engine are not to blame.
    if (works) return reply;
    throw new TascnetError(`A process for trials could not be started: it ${reply.ended}.`);
  };
  return {
    run: async (job, features) => {
      throwIfAborted(signal);
      if (!features.location) throw new TascnetError('Trials in other processes need features on disk.');
      const request: PoolRequest = { kind: 'trial', job, features: features.location };
      const waiting = idle.pop();
      let worker: Worker | Ended = waiting ?? (await start());
      let reply: PoolReply | Ended = 'ended' in worker ? worker : await worker.ask(request, signal);
      // One that ended while it had nothing to do says nothing of this trial.
      if (waiting && 'ended' in reply && reply.idle) {
        worker = await start();
        reply = 'ended' in worker ? worker : await worker.ask(request, signal);
      }
      if ('ended' in worker || 'ended' in reply)
        return failedTrial(searchable, job, `its process ${'ended' in reply ? reply.ended : 'ended'}`);
      works = true;
      idle.push(worker);
      if ('error' in reply) throw refusal(reply);
      if (!reply.record) throw new TascnetError('A process for trials answered without a result.');
      return reply.record;
    },
    close: () => {
      for (const worker of all) worker.end();
      rmSync(shared, { recursive: true, force: true });
    },
  };
}

function refusal({ error, hint }: Extract<PoolReply, { error: string }>): TascnetError {
  return new TascnetError(error, hint === undefined ? {} : { hint });
}

/** How a process ended instead of answering. */
interface Ended {
  ended: string;
  /** Before it was asked. */
  idle: boolean;
}

interface Worker {
  /** One request at a time. @throws Interrupted */
  ask(request: PoolRequest, signal: AbortSignal | undefined): Promise<PoolReply | Ended>;
  end(): void;
}

function startWorker(): Worker {
  const child: ChildProcess = fork(workerPath(), {
    serialization: 'advanced',
    // In a group of its own: Ctrl-C in a terminal is ours to answer, and would end it before we have.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  });
  let settle: ((reply: PoolReply | Ended) => void) | undefined;
  let ended: string | undefined;
  let sent = false;
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-2000);
  });
  const over = (how: string) => {
    ended ??= how;
    settle?.({ ended, idle: !sent });
  };
  child.on('message', (reply: PoolReply) => settle?.(reply));
  child.on('error', (error) => over(`could not be reached: ${error.message}`));
  child.on('exit', (code, killedBy) => {
    const said = complaints.trim().split('\n').at(-1);
    over(
      (killedBy ? `was killed by ${killedBy}` : `ended with exit code ${code}`) + (said ? `; it said: ${said}` : ''),
    );
  });
  const end = () => {
    child.removeAllListeners('exit');
    if (child.connected) child.disconnect();
    child.kill('SIGKILL');
  };
  return {
    ask: (request, signal) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) {
          resolve({ ended, idle: true });
          return;
        }
        const abort = () => {
          settle = undefined;
          end();
          reject(new Interrupted());
        };
        settle = (reply) => {
          settle = undefined;
          signal?.removeEventListener('abort', abort);
          resolve(reply);
        };
        signal?.addEventListener('abort', abort, { once: true });
        sent = false;
        child.send(request, (error) => {
          if (error) over(`could not be reached: ${error.message}`);
          else sent = true;
        });
      }),
    end,
  };
}
