/** A process that runs trials, one at a time. Speaks `pool-protocol.ts` over the fork's channel. */

import { type Engine, loadEngine } from '../engine/engine.js';
import { messageOf, TascnetError } from '../errors.js';
import { readOnnx } from '../formats/onnx/index.js';
import { type Features, openLocated } from './feature-batches.js';
import type { PoolReply, PoolRequest, Setup } from './pool-protocol.js';
import { saveTail } from './runner.js';
import { type Searchable, searchableOf } from './space-of-graph.js';
import { runTrial } from './trial.js';

interface Ready {
  engine: Engine;
  searchable: Searchable;
  setup: Setup;
}

let ready: Ready | undefined;
let opened: { location: string; features: Features } | undefined;

async function answer(request: PoolRequest): Promise<PoolReply> {
  if (request.kind === 'setup') {
    const { backend, threads, model, space } = request;
    const engine = await loadEngine({ backend, threads });
    ready = { engine, searchable: searchableOf(await readOnnx(model), space), setup: request };
    return {};
  }
  if (!ready) throw new TascnetError('The process for trials was asked for one before it was set up.');
  const { engine, searchable, setup } = ready;
  const location = JSON.stringify(request.features);
  if (opened?.location !== location) {
    opened?.features.close();
    opened = { location, features: openLocated(request.features, setup.inMemory) };
  }
  const { record, tail } = await runTrial(engine, searchable, opened.features, setup.setting, request.job);
  if (tail) await saveTail(setup.folder, request.job.trial, tail);
  return { record };
}

process.on('message', (request: PoolRequest) => {
  answer(request).then(
    (reply) => process.send?.(reply),
    (error: unknown) => {
      const hint = error instanceof TascnetError ? error.hint : undefined;
      process.send?.({ error: messageOf(error), ...(hint === undefined ? {} : { hint }) } satisfies PoolReply);
    },
  );
});
process.on('disconnect', () => process.exit(0));
