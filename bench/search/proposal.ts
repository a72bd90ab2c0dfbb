/** How long a proposal takes with 200 observations in 15 dimensions, and how long it keeps the event loop. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { randomGenerator } from '../../lib/graph/random.js';
import { propose } from '../../lib/search/propose.js';
import type { Trial } from '../../lib/search/sampler.js';
import type { Space } from '../../lib/search/space.js';

export const OBSERVATIONS = 200;
export const DIMENSIONS = 15;

export interface Proposals {
  /** Milliseconds of each, the first one (in which the thread starts) left out. */
  times: number[];
  /** Longest time in milliseconds in which nothing else of this process could run. */
  delay: number;
}

export async function proposals(times: number): Promise<Proposals> {
  const random = randomGenerator('proposal');
  const space: Space = Array.from({ length: DIMENSIONS }, (_, index) => ({
    name: `x${index}`,
    kind: 'real',
    low: 0,
    high: 1,
  }));
  const finished = Array.from({ length: OBSERVATIONS }, (_, number): Trial => {
    const point = Object.fromEntries(space.map(({ name }) => [name, random.next()]));
    const loss = Object.values(point).reduce((sum, x, index) => sum + (index + 1) * (x - 0.3) ** 2, 0);
    return { number, point, value: -loss };
  });
  const taken: number[] = [];
  const loop = monitorEventLoopDelay({ resolution: 1 });
  for (let time = 0; time <= times; time++) {
    if (time === 1) loop.enable();
    const context = { space, finished, pending: [], seed: 1, number: OBSERVATIONS + time, startTrials: 10 };
    const started = performance.now();
    await propose({ sampler: 'gp', context });
    taken.push(performance.now() - started);
  }
  loop.disable();
  return { times: taken.slice(1), delay: loop.max / 1e6 };
}
