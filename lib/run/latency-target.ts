/** A latency as a fraction of the MACs: found by pruning by the weights and measuring in ONNX Runtime. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { throwIfAborted } from '../errors.js';
import { save } from '../formats/index.js';
import { pruneOnce } from '../prune/one-shot.js';
import { measure } from '../validate/evidence.js';
import type { Hooks } from './hooks.js';
import { loadModel } from './prepare.js';
import type { PruneSettings } from './settings.js';
import { pruneOptions } from './stages.js';

/** Halvings of the interval in which the fraction lies: it is found to within a thirtieth. */
const STEPS = 5;
const LEAST = 0.02;
const RUNS = { batch1: 40, batch32: 1 };

export interface LatencySettings {
  model: string;
  seed: number;
  threads?: number | undefined;
}

/**
 * The largest fraction of the MACs with which a network of this shape answers one sample within `milliseconds` (median).
 * What channels go does not matter for the time, so the weights' L1 norm decides; the least fraction when none will do.
 */
export async function macsForLatency(
  settings: LatencySettings & PruneSettings,
  milliseconds: number,
  hooks: Hooks,
): Promise<number> {
  const graph = await loadModel(settings.model);
  const folder = await mkdtemp(join(tmpdir(), 'tascnet-latency-'));
  const path = join(folder, 'candidate.onnx');
  const threads = settings.threads === undefined ? {} : { threads: settings.threads };
  const latency = async (fraction: number): Promise<number> => {
    throwIfAborted(hooks.signal);
    const options = {
      ...pruneOptions(settings, hooks),
      criterion: 'l1',
      ratio: undefined,
      targets: { macs: fraction },
    };
    await save(fraction === 1 ? graph : (await pruneOnce(graph, options)).graph, path);
    const { entries } = await measure([path], { runs: RUNS, signal: hooks.signal, ...threads });
    return entries[0]?.latencyMs.batch1 ?? Number.POSITIVE_INFINITY;
  };
  try {
    if ((await latency(1)) <= milliseconds) return 1;
    let [low, high] = [LEAST, 1];
    for (let step = 0; step < STEPS; step++) {
      hooks.onEvent({ kind: 'progress', what: 'Measuring widths', done: step, total: STEPS });
      const middle = (low + high) / 2;
      if ((await latency(middle)) <= milliseconds) low = middle;
      else high = middle;
    }
    hooks.onEvent({ kind: 'progress', what: 'Measuring widths', done: STEPS, total: STEPS });
    return low;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
