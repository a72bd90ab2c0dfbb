/**
 * How texts become a network's token ids. A tokenizer is what Hugging Face writes as `tokenizer.json`; a plain vocabulary
 * becomes one that looks up words as they stand between blanks.
 */

import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import * as z from 'zod';
import { messageOf, TascnetError } from '../errors.js';
import { withinTime } from './time-limit.js';

/** A text takes a small part of one. */
const MOST_MILLISECONDS = 5000;

const id = z.int().min(0).max(0x7fffffff);

export const tokenizerSchema = z.looseObject({
  model: z.looseObject({ type: z.string() }),
  padding: z.looseObject({ pad_id: id.optional() }).nullish(),
});

/** The contents of a `tokenizer.json`. */
export type TokenizerFile = z.infer<typeof tokenizerSchema>;

export interface Encoder {
  /** The ids of a text's tokens; words that a vocabulary without a token for the unknown does not hold are left out. */
  encode(text: string): number[];
  /** The id that fills short texts up. */
  padding: number;
  /** The id of what the vocabulary does not hold; undefined where there is none. */
  unknown: number | undefined;
  largestId: number;
}

const PADDINGS: readonly string[] = ['<pad>', '[PAD]', '<PAD>', '_PAD_'];
const UNKNOWNS: readonly string[] = ['<unk>', '[UNK]', '<UNK>', '<oov>', '<OOV>', '[OOV]', '_UNK_'];

/** @throws TascnetError when the tokenizer is of a kind that is not known, or has no vocabulary. */
export function encoderOf(file: TokenizerFile): Encoder {
  try {
    // It insists on a decoder, which reading does not need.
    const tokenizer = new Tokenizer({ decoder: null, ...file }, {});
    const vocabulary = tokenizer.get_vocab(true);
    if (vocabulary.size === 0) throw new Error('its vocabulary is empty');
    const known = (names: readonly unknown[]) => names.map((name) => vocabulary.get(String(name))).find(isId);
    const unknown = known([file.model.unk_token, ...UNKNOWNS]);
    const ownPatterns = JSON.stringify([file.normalizer, file.pre_tokenizer, file.added_tokens]).includes('"Regex"');
    let largestId = 0;
    for (const each of vocabulary.values()) largestId = Math.max(largestId, id.parse(each));
    const encode = (text: string): number[] => {
      const work = (): (number | undefined)[] => tokenizer.encode(text).ids;
      const ids = ownPatterns ? withinTime(MOST_MILLISECONDS, work) : { value: work() };
      if (!ids) throw tooSlow(text);
      return ids.value.flatMap((each) => each ?? unknown ?? []);
    };
    encode('a');
    return { encode, padding: file.padding?.pad_id ?? known(PADDINGS) ?? 0, unknown, largestId };
  } catch (error) {
    if (error instanceof TascnetError) throw error;
    throw new TascnetError(`The tokenizer cannot be used: ${messageOf(error)}.`, {
      hint: 'A tokenizer.json of Hugging Face was expected, or a vocabulary with one word a line.',
      cause: error,
    });
  }
}

function tooSlow(text: string): TascnetError {
  const begin = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return new TascnetError(
    `The tokenizer took more than ${MOST_MILLISECONDS / 1000} seconds for one text: "${begin}".`,
    {
      hint: 'A regular expression of its tokenizer.json goes through far too many cases there.',
    },
  );
}

function isId(value: number | undefined): value is number {
  return value !== undefined;
}

/**
 * Reads `tokenizer.json`, a vocabulary of one word a line (its id is the number of the line, from 0), or a JSON of words: a
 * list, or an object that gives each its id.
 * @throws TascnetError when the file cannot be read or is none of these.
 */
export async function readTokenizer(path: string): Promise<TokenizerFile> {
  const fail = (problem: string, cause?: unknown) =>
    new TascnetError(`The tokenizer ${path} ${problem}.`, {
      hint: 'A tokenizer.json of Hugging Face was expected, or a vocabulary with one word a line.',
      cause,
    });
  let content: string;
  try {
    content = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    throw fail(`cannot be read: ${messageOf(error)}`, error);
  }
  if (extname(path).toLowerCase() !== '.json') {
    const lines = content.split(/\r\n|\n/);
    if (lines.at(-1) === '') lines.pop();
    return ofWords(new Map(lines.map((word, index) => [word, index] as const).reverse()), fail);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch (error) {
    throw fail(`is no JSON: ${messageOf(error)}`, error);
  }
  const words = z.array(z.string()).safeParse(parsed);
  if (words.success) return ofWords(new Map(words.data.map((word, index) => [word, index])), fail);
  // Not by a schema: some of these drop a word that is called __proto__.
  const entries = Object.entries(parsed ?? {}).map(([word, value]) => [word, id.safeParse(value)] as const);
  if (entries.length > 0 && entries.every(([, { success }]) => success))
    return ofWords(new Map(entries.map(([word, { data = 0 }]) => [word, data])), fail);
  const whole = tokenizerSchema.safeParse(parsed);
  if (!whole.success) throw fail(`is neither a tokenizer nor a vocabulary: ${z.prettifyError(whole.error)}`);
  encoderOf(whole.data);
  return whole.data;
}

/** A vocabulary all in lower case knows words of any case. */
function ofWords(ids: ReadonlyMap<string, number>, fail: (problem: string) => TascnetError): TokenizerFile {
  if (ids.size === 0) throw fail('is empty');
  const words = [...ids.keys()];
  if (words.some((word) => word.startsWith('##')))
    throw fail('holds parts of words ("##…"), which need the tokenizer.json that belongs to them');
  const special = [...PADDINGS, ...UNKNOWNS];
  const lower = words.every(
    (word) => special.includes(word) || /^[[<].*[\]>]$/.test(word) || word === word.toLowerCase(),
  );
  const unknown = UNKNOWNS.find((name) => ids.has(name));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: lower ? { type: 'Lowercase' } : null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries([...ids].sort(([, a], [, b]) => a - b)),
      unk_token: unknown ?? '[UNK]',
    },
  };
}
