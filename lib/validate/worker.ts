/**
 * The child process in which ONNX Runtime runs: a crash there is a finding, not the end of the run, and its timings are
 * not disturbed by what the parent does. Speaks the requests of `runtime.ts` over the fork's channel.
 */

import * as ort from 'onnxruntime-node';
import { messageOf } from '../errors.js';
import type { Reply, Request, WireTensor } from './protocol.js';

const sessions = new Map<number, ort.InferenceSession>();
let threads = 0;

function sessionOf(model: number): ort.InferenceSession {
  const session = sessions.get(model);
  if (!session) throw new Error(`model ${model} is not loaded`);
  return session;
}

/** The inputs by name, each of the type that the model takes. */
function feedsOf(session: ort.InferenceSession, inputs: WireTensor[]): Record<string, ort.Tensor> {
  const feeds: Record<string, ort.Tensor> = {};
  inputs.forEach(({ data, dims }, index) => {
    const name = session.inputNames[index];
    if (name === undefined)
      throw new Error(`the model has ${session.inputNames.length} inputs, ${inputs.length} were given`);
    feeds[name] = tensorFor(session.inputMetadata[index], data, dims);
  });
  return feeds;
}

async function infer(session: ort.InferenceSession, feeds: Record<string, ort.Tensor>): Promise<WireTensor[]> {
  const outputs = await session.run(feeds);
  return session.outputNames.map((name) => {
    const output = outputs[name];
    if (!output) throw new Error(`the model gave no output "${name}"`);
    return { data: output.data as Float32Array, dims: [...output.dims] };
  });
}

/** Token ids travel as floats, as images do; a model that takes whole numbers is given these. */
function tensorFor(
  input: ort.InferenceSession.ValueMetadata | undefined,
  data: Float32Array,
  dims: number[],
): ort.Tensor {
  if (input?.isTensor && input.type === 'int64')
    return new ort.Tensor(
      'int64',
      BigInt64Array.from(data, (value) => BigInt(value)),
      dims,
    );
  if (input?.isTensor && input.type === 'int32') return new ort.Tensor('int32', Int32Array.from(data), dims);
  return new ort.Tensor('float32', data, dims);
}

/** Milliseconds of each run, the models in turn, so that a machine that slows down slows all of them. */
async function latency(
  models: { model: number; inputs: WireTensor[] }[],
  runs: number,
  warmup: number,
): Promise<number[][]> {
  const times: number[][] = models.map(() => []);
  // Making numbers of another type of them is no part of the model's time.
  const fed = models.map(({ model, inputs }) => ({
    session: sessionOf(model),
    feeds: feedsOf(sessionOf(model), inputs),
  }));
  for (let round = -warmup; round < runs; round++)
    for (const [index, { session, feeds }] of fed.entries()) {
      const start = process.hrtime.bigint();
      await infer(session, feeds);
      if (round >= 0) times[index]?.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
  return times;
}

async function answer(request: Request): Promise<Reply['value']> {
  switch (request.kind) {
    case 'configure':
      threads = request.threads;
      return undefined;
    case 'load':
      sessions.set(
        request.model,
        await ort.InferenceSession.create(request.path, {
          executionProviders: ['cpu'],
          ...(threads > 0 ? { intraOpNumThreads: threads } : {}),
          logSeverityLevel: 3,
        }),
      );
      return undefined;
    case 'unload':
      await sessions.get(request.model)?.release();
      sessions.delete(request.model);
      return undefined;
    case 'run':
      return infer(sessionOf(request.model), feedsOf(sessionOf(request.model), request.inputs));
    case 'latency':
      return latency(request.models, request.runs, request.warmup);
  }
}

process.on('message', (request: Request) => {
  answer(request).then(
    (value) => process.send?.({ id: request.id, value } satisfies Reply),
    (error: unknown) => process.send?.({ id: request.id, error: messageOf(error) } satisfies Reply),
  );
});
process.on('disconnect', () => process.exit(0));
