/** The time that graphs take in ONNX Runtime, measured in turn with each other. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { save } from '../formats/index.js';
import type { Graph } from '../graph/graph.js';
import { exampleInput } from './evidence.js';
import { type LoadedModel, openRuntime } from './runtime.js';
import { timing } from './statistics.js';

export interface Stopwatch {
  /** Median milliseconds of one run of each graph; a graph that was measured the time before is not loaded anew. */
  medians(graphs: readonly Graph[], runs: number): Promise<number[]>;
  close(): Promise<void>;
}

/** @param batch samples of one run. */
export async function openStopwatch(options: {
  batch: number;
  threads?: number | undefined;
  signal?: AbortSignal | undefined;
}): Promise<Stopwatch> {
  const { batch, threads = 0, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), 'tascnet-stopwatch-'));
  const runtime = await openRuntime({ threads, signal });
  const loaded = new Map<Graph, LoadedModel>();
  let files = 0;
  return {
    async medians(graphs, runs) {
      for (const [graph, model] of loaded)
        if (!graphs.includes(graph)) {
          await model.unload();
          loaded.delete(graph);
        }
      const timed: { model: LoadedModel; inputs: ReturnType<typeof exampleInput>[] }[] = [];
      for (const graph of graphs) {
        const path = join(folder, `${files++}.onnx`);
        if (!loaded.has(graph)) await save(graph, path);
        const model = loaded.get(graph) ?? (await runtime.load(path));
        loaded.set(graph, model);
        await rm(path, { force: true });
        timed.push({ model, inputs: graph.inputs.map((input) => exampleInput(input, batch, graph.name)) });
      }
      const times = await runtime.latency(timed, runs, Math.max(2, Math.ceil(runs / 10)));
      return times.map((runsOfOne) => timing(runsOfOne).median);
    },
    async close() {
      runtime.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
