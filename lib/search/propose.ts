/** The methods of search by name, and their work: in place while it is short, in a thread of its own once it is long. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { TascnetError } from '../errors.js';
import { gaussianProcessSampler } from './gaussian-process-sampler.js';
import { quasiRandomSampler, randomSampler } from './random-sampler.js';
import type { Sampler, SamplerContext } from './sampler.js';
import type { Point } from './space.js';
import { tpeSampler } from './tpe-sampler.js';

const SAMPLERS = {
  gp: gaussianProcessSampler,
  random: randomSampler,
  'quasi-random': quasiRandomSampler,
  tpe: tpeSampler,
} satisfies Record<string, Sampler>;

export type SamplerName = keyof typeof SAMPLERS;
export const SAMPLER_NAMES = Object.keys(SAMPLERS) as SamplerName[];

/** Up to this many trials a proposal takes a few milliseconds. */
const SHORT_TRIALS = 24;

export interface ProposalRequest {
  sampler: SamplerName;
  context: SamplerContext;
}

/** The proposals of a sampler, computed here. */
export function proposeHere({ sampler, context }: ProposalRequest): Point[] {
  return SAMPLERS[sampler](context);
}

/** The same proposals, without keeping the event loop from its work for long. */
export function propose(request: ProposalRequest): Promise<Point[]> {
  const trials = request.context.finished.length + request.context.pending.length;
  const worker = request.sampler === 'gp' && trials > SHORT_TRIALS ? workerOrNone() : undefined;
  if (!worker) return Promise.resolve(proposeHere(request));
  // Requests are answered in order; while one is under way the thread keeps the process alive.
  const answer = queue.then(
    () =>
      new Promise<Point[]>((resolve, reject) => {
        const settle = (action: () => void) => {
          worker.off('message', onMessage).off('error', onError);
          worker.unref();
          action();
        };
        const onMessage = (reply: ProposalReply) =>
          settle(() => ('points' in reply ? resolve(reply.points) : reject(new TascnetError(reply.error))));
        const onError = (error: Error) => {
          shared = undefined;
          settle(() => reject(error));
        };
        worker.on('message', onMessage).on('error', onError);
        worker.ref();
        worker.postMessage(request);
      }),
  );
  queue = answer.catch(() => undefined);
  return answer;
}

export type ProposalReply = { points: Point[] } | { error: string };

let queue: Promise<unknown> = Promise.resolve();
let shared: Worker | undefined;

/** The thread runs JavaScript: from the TypeScript sources (in the tests) there is none, and the work is done in place. */
function workerOrNone(): Worker | undefined {
  if (shared) return shared;
  const path = ['./proposer.js', '../search/proposer.js']
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((place) => existsSync(place));
  if (path === undefined) return undefined;
  shared = new Worker(path);
  shared.unref();
  return shared;
}
