/** The sensitivity of a network's groups, measured once for its weights and data and kept in the cache for other targets. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { BatchSource } from '../data/batch.js';
import { cacheDirectory } from '../data/cache-directory.js';
import type { Engine } from '../engine/engine.js';
import type { Graph } from '../graph/graph.js';
import { makeFolders, writeText } from '../journal/whole-file.js';
import { measureSensitivity } from '../prune/measure-sensitivity.js';
import type { PruneOptions } from '../prune/options.js';
import type { Sensitivity } from '../prune/sensitivity.js';
import type { Hooks } from './hooks.js';
import type { PreparedData } from './prepare-data.js';

const schema = z.array(z.object({ id: z.string(), channels: z.number(), removed: z.number(), rise: z.number() }));

/** Samples that the loss is measured on. */
const SAMPLES = 256;
/** How many groups are named. */
const NAMED = 3;

export async function sensitivityOf(
  engine: Engine,
  graph: Graph,
  { calibration, dataset }: PreparedData,
  options: PruneOptions,
  hooks: Hooks,
): Promise<Sensitivity[]> {
  const what = [dataset.fingerprint, options.criterion, options.reduce ?? 'sum', options.seed, SAMPLES];
  const file = join(cacheDirectory('sensitivity'), `${fingerprint(graph, what)}.json`);
  const kept = await readFile(file, 'utf8').then(parsed, () => undefined);
  const found = kept ?? (await measureSensitivity(engine, graph, few(calibration), options, progress(hooks)));
  if (!kept) {
    makeFolders(cacheDirectory('sensitivity'));
    await writeText(file, `${JSON.stringify(found)}\n`);
  }
  const order = found.toSorted((a, b) => b.rise - a.rise);
  const named = (list: readonly Sensitivity[]) => list.map(({ id, rise }) => `${id} (${rise.toFixed(3)})`).join(', ');
  hooks.onEvent({
    kind: 'note',
    message: `Loss rises most without half of ${named(order.slice(0, NAMED))}; least without half of ${named(order.slice(-NAMED).toReversed())}.`,
  });
  return found;
}

function progress(hooks: Hooks) {
  return (done: number, total: number) =>
    hooks.onEvent({ kind: 'progress', what: 'Measuring sensitivity', done, total });
}

function parsed(text: string): Sensitivity[] | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The first batches of every epoch. */
function few(source: BatchSource): BatchSource {
  return {
    ...source,
    samples: Math.min(SAMPLES, source.samples),
    async *batches(epoch) {
      let seen = 0;
      for await (const batch of source.batches(epoch)) {
        yield batch;
        seen += batch.labels.length;
        if (seen >= SAMPLES) return;
      }
    },
  };
}

/** Of the network with its weights, and of what else the rises depend on. */
function fingerprint({ nodes, inputs, initializers }: Graph, what: readonly unknown[]): string {
  const hash = createHash('sha256').update(JSON.stringify([nodes.map(({ name, op }) => [name, op]), inputs, what]));
  for (const [name, { dtype, dims, data }] of initializers) {
    hash.update(JSON.stringify([name, dtype, dims]));
    hash.update(ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data.join());
  }
  return hash.digest('hex').slice(0, 32);
}
