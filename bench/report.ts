/** What a case's measurements come to, as it is stored: written by `main.ts`, read again by `--compare`. */

import * as z from 'zod';

/** Old results come from anywhere and are shown on a terminal. */
const text = z.string().regex(/^\P{Cc}*$/u, 'a text without control characters is expected');

/** Null where that side was not measured, or where there is nothing to tell. */
function sides<One extends z.ZodType>(one: One) {
  return z.object({ ours: one.nullable(), rival: one.nullable() });
}

const rowSchema = z.object({
  name: text,
  rivalName: text,
  unit: text,
  /** Which values are. Missing in reports from before it was stored, as are `intervals` and `peakBytes`. */
  better: z.enum(['lower', 'higher']).optional(),
  /** Medians of the trials. */
  ours: z.number(),
  rival: z.number().nullable(),
  /** The quartiles of the values. */
  intervals: sides(z.object({ low: z.number(), high: z.number() })).optional(),
  /** Above 1 where tascnet is better; `low` and `high` are the quartiles of the ratios of the paired trials. */
  ratio: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Medians of the trials' largest resident memory. */
  peakBytes: sides(z.number().nonnegative()).optional(),
  /** The rival's peak memory by ours. */
  memoryRatio: z.number().nullable(),
});

export const reportSchema = z.object({
  case: text,
  date: text,
  trials: z.number(),
  machine: z.object({
    processor: text,
    cores: z.number(),
    memoryGiB: z.number(),
    system: text,
    node: text,
    simd: text,
    threads: z.number(),
    /** Of the minute before: other work on the machine makes all figures worse. */
    loadAverage: z.number(),
  }),
  rows: z.array(rowSchema),
});

/** Which case a report is of, when it may be of one that is measured and stored another way. */
export const caseSchema = z.object({ case: text });

export type Row = z.infer<typeof rowSchema>;
export type Report = z.infer<typeof reportSchema>;
