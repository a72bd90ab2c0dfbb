/**
 * How sentences become a network's input: token ids, cut or filled up to one length. It is read from the model's metadata or
 * a tokenizer's file, and travels with the exported model.
 */

import * as z from 'zod';
import { tokenInput } from '../analyze/token-input.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { randomGenerator } from '../graph/random.js';
import { METADATA_KEYS, parsed } from './preprocessing.js';
import { type Encoder, encoderOf, type TokenizerFile, tokenizerSchema } from './tokenizer.js';

const lengths = z.int().min(1).max(65_536);

const schema = z.object({
  kind: z.literal('text'),
  /** Tokens of the input; longer texts lose their end. */
  length: lengths,
  /** The id that stands behind the end of shorter texts. */
  padding: z.int().min(0),
  /** The contents of a `tokenizer.json` of Hugging Face. */
  tokenizer: tokenizerSchema,
});

export type TextPreprocessing = z.infer<typeof schema>;

/** @throws TascnetError when the metadata is there, but is no preprocessing of texts. @returns undefined when it is absent. */
export function textPreprocessingFrom(metadata: Readonly<Record<string, string>>): TextPreprocessing | undefined {
  return parsed(metadata, METADATA_KEYS.preprocessing, schema);
}

export interface TextChoice {
  /** In place of the model's own. */
  tokenizer?: TokenizerFile | undefined;
  /** Tokens, in place of the model's own. */
  length?: number | undefined;
}

/** Without a length of the model's own, no text is given more tokens than this. */
const LONGEST = 512;

/**
 * The preprocessing of a model: what the caller chose, else what its metadata says. A model of any length takes that of the
 * longest of `texts`.
 * @throws TascnetError when the model does not take token ids, nothing says how texts become ids, or its embedding has fewer
 * rows than the tokenizer has ids.
 */
export function textPreprocessingFor(
  graph: Graph,
  choice: TextChoice,
  texts: () => readonly string[],
): { preprocessing: TextPreprocessing; encoder: Encoder } {
  const input = tokenInput(graph);
  if (!input) {
    const inputs = graph.inputs.map(({ name, dtype, dims }) => `${name} ${dtype} [${dims ?? '?'}]`).join(', ');
    throw new TascnetError(`The model should have one input of token ids, int64 [batch, tokens]; it has ${inputs}.`);
  }
  const stored = textPreprocessingFrom(graph.metadata);
  const tokenizer = choice.tokenizer ?? stored?.tokenizer;
  if (!tokenizer)
    throw new TascnetError('The model does not say how texts become token ids, and no tokenizer was given.', {
      hint: 'Give the one that it was trained with, with --tokenizer: a tokenizer.json, or a vocabulary of one word a line.',
    });
  const encoder = encoderOf(tokenizer);
  checkRows(graph, input.name, encoder.largestId);
  const own = input.dims?.[1];
  const length = choice.length ?? stored?.length ?? (typeof own === 'number' ? own : longest(texts(), encoder));
  const padding = choice.tokenizer ? encoder.padding : (stored?.padding ?? encoder.padding);
  return { preprocessing: { kind: 'text', length, padding, tokenizer }, encoder };
}

/** Ids are looked up in the embedding; one beyond its end would fail in the middle of training. */
function checkRows(graph: Graph, input: string, largestId: number): void {
  const ids = new Set([input]);
  for (const { op, inputs, outputs } of graph.nodes) {
    const [table = '', at = ''] = inputs;
    if (op === 'Cast' && ids.has(table)) for (const output of outputs) ids.add(output);
    const rows = op === 'Gather' && ids.has(at) ? graph.initializers.get(table)?.dims[0] : undefined;
    if (rows !== undefined && largestId >= rows)
      throw new TascnetError(
        `The tokenizer has ids up to ${largestId}, but the model's embedding "${table}" has ${rows} rows.`,
        { hint: 'Give the tokenizer that the model was trained with.' },
      );
  }
}

function longest(texts: readonly string[], { encode }: Encoder): number {
  const length = texts.reduce((most, text) => Math.max(most, encode(text).length), 1);
  return Math.min(length, LONGEST);
}

/** Token ids of texts, [texts, length] row-major, as the numbers that the engine takes. */
export function tokenRows(
  texts: readonly string[],
  { length, padding }: TextPreprocessing,
  { encode, unknown }: Encoder,
): { ids: Float32Array; tokens: number; unknown: number; cut: number } {
  const ids = new Float32Array(texts.length * length).fill(padding);
  const counts = { tokens: 0, unknown: 0, cut: 0 };
  for (const [row, text] of texts.entries()) {
    const tokens = encode(text);
    counts.tokens += tokens.length;
    if (unknown !== undefined) for (const id of tokens) if (id === unknown) counts.unknown++;
    if (tokens.length > length) counts.cut++;
    ids.set(tokens.slice(0, length), row * length);
  }
  return { ids, ...counts };
}

/** Shares of the words that are taken away, by how much texts are varied. */
export const WORD_DROPOUT = { none: 0, light: 0.1, full: 0.2 } as const;

/**
 * Word dropout (Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text Classification"): each word
 * gives way, with probability `share`, to the token for the unknown, or to padding where there is none.
 * @returns what changes a row of token ids; it depends on seed, epoch and row alone.
 */
export function wordDropout(
  share: number,
  { padding }: TextPreprocessing,
  { unknown = padding }: Encoder,
  seed: number,
): ((row: Float32Array, index: number, epoch: number) => void) | undefined {
  if (share === 0) return undefined;
  return (row, index, epoch) => {
    const random = randomGenerator(seed, 'words', epoch, index);
    for (let at = 0; at < row.length; at++) if (row[at] !== padding && random.next() < share) row[at] = unknown;
  };
}
