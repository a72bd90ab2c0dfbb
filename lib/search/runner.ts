/** Who runs the trials of a search: this process, one after the other. `pool.ts` has the same for several at once. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../engine/engine.js';
import { readOnnx, writeOnnx } from '../formats/onnx/index.js';
import type { Graph } from '../graph/graph.js';
import type { PreparedFeatures } from './features.js';
import type { TrialRecord } from './objective.js';
import type { Searchable } from './space-of-graph.js';
import { runTrial, type TrialJob, type TrialSetting } from './trial.js';

export interface TrialRunner {
  /**
   * Runs a trial; where it worked to its end, its trained part lies in the folder of the runner.
   * @throws TascnetError when its configuration cannot be built; Interrupted.
   */
  run(job: TrialJob, features: PreparedFeatures): Promise<TrialRecord>;
  close(): void;
}

export interface RunnerOptions extends TrialSetting {
  searchable: Searchable;
  /** Where the trained parts go. */
  folder: string;
  signal?: AbortSignal | undefined;
}

export function localRunner(engine: Engine, { searchable, folder, signal, ...setting }: RunnerOptions): TrialRunner {
  return {
    run: async (job, features) => {
      const { record, tail } = await runTrial(engine, searchable, features, setting, job, signal);
      if (tail) await saveTail(folder, job.trial, tail);
      return record;
    },
    close: () => undefined,
  };
}

export async function saveTail(folder: string, trial: number, tail: Graph): Promise<void> {
  await writeOnnx(tail, tailPath(folder, trial));
}

/** The trained part of a trial; undefined where it is not kept. */
export async function loadTail(folder: string, trial: number): Promise<Graph | undefined> {
  return readOnnx(tailPath(folder, trial)).catch(() => undefined);
}

export function dropTail(folder: string, trial: number): void {
  rmSync(tailPath(folder, trial), { force: true });
}

function tailPath(folder: string, trial: number): string {
  return join(folder, `trial-${trial}.onnx`);
}
