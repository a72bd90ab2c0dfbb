/** `run.json`: what was asked of a run, on what, and what came of it. */

import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { messageOf, TascnetError } from '../errors.js';
import { writeText } from '../journal/whole-file.js';

const interval = z.object({ value: z.number(), low: z.number(), high: z.number(), n: z.number() });
const timing = z.object({ median: z.number(), p95: z.number(), low: z.number(), high: z.number(), runs: z.number() });

/** One model's figures, measured in ONNX Runtime on the test split. */
const evidence = z.object({
  accuracy: interval.optional(),
  macs: z.number(),
  parameters: z.number(),
  trainableParameters: z.number(),
  bytes: z.number(),
  latencyMs: z.object({ batch1: z.number(), batch32: z.number() }),
  latency: z.object({ batch1: timing, batch32: timing }),
});

/** Another way to spend the same budget, or why it could not be gone. */
const rival = z.object({
  name: z.enum(['plain', 'linear', 'random', 'smaller-input']),
  title: z.string(),
  /** Of full training, in all. */
  epochs: z.number(),
  seconds: z.number(),
  /** Height and width, where it is not the result's. */
  imageSize: z.number().optional(),
  /** Its model. */
  file: z.string().optional(),
  /** Of the best epoch, 0 … 1, on the validation samples. */
  validation: z.number().optional(),
  evidence: evidence.optional(),
  absent: z.string().optional(),
});

export type Rival = z.infer<typeof rival>;
export type RivalName = Rival['name'];

export const runRecord = z.object({
  version: z.literal(1),
  command: z.enum(['run', 'search']).default('run'),
  tascnet: z.string(),
  status: z.enum(['running', 'done']),
  model: z.object({ path: z.string(), sha256: z.string() }),
  data: z.object({
    path: z.string(),
    fingerprint: z.string(),
    classes: z.array(z.string()),
    samples: z.object({ train: z.number(), validation: z.number(), test: z.number() }),
    skipped: z.array(z.object({ file: z.string(), reason: z.string() })),
  }),
  /** The resolved configuration: every option with the value that was used. */
  settings: z.record(z.string(), z.unknown()),
  seed: z.number(),
  engine: z.object({ backend: z.string(), version: z.string(), device: z.string() }),
  machine: z.object({ cpu: z.string(), cores: z.number(), memoryGiB: z.number(), node: z.string() }),
  startedAt: z.string(),
  /** Seconds of work, added up over resumed sessions. */
  seconds: z.number(),
  /** A search alone has no second stage. */
  result: z.object({ baseline: evidence, stage1: evidence, stage2: evidence.optional() }).optional(),
  /** Largest difference between the engine's and ONNX Runtime's outputs, as a fraction of the outputs' scale. */
  parity: z.object({ baseline: z.number(), stage1: z.number(), stage2: z.number().optional() }).optional(),
  /** Fractions of the original, unless there is a unit. */
  targets: z
    .array(
      z.object({
        name: z.string(),
        wanted: z.number(),
        got: z.number(),
        met: z.boolean(),
        unit: z.literal('ms').optional(),
      }),
    )
    .optional(),
  /** What else the same data and budget would have given. */
  rivals: z.array(rival).optional(),
  notes: z.array(z.string()),
});

export type RunRecord = z.infer<typeof runRecord>;

/** @throws TascnetError when the file is absent or is no record of a run. */
export async function readRecord(path: string): Promise<RunRecord> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new TascnetError(`${path} cannot be read: ${messageOf(error)}.`, {
      hint: 'Give the folder that an earlier `tascnet run --out` made.',
    });
  }
  try {
    return runRecord.parse(JSON.parse(text));
  } catch (error) {
    throw new TascnetError(`${path} is not the record of a run: ${messageOf(error)}.`);
  }
}

export async function writeRecord(path: string, record: RunRecord): Promise<void> {
  await writeText(path, `${JSON.stringify(record, null, 2)}\n`);
}
