/** Tokenizers against Hugging Face's own library, whose ids `test/fixtures/data/make-tokens.py` wrote down. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { encoderOf, readTokenizer, tokenizerSchema } from '../../lib/data/tokenizer.js';
import { folderOf } from './folders.js';

interface Fixture {
  texts: string[];
  words: string[];
  tokenizers: { file: unknown; ids: number[][] }[];
}

const FIXTURE = JSON.parse(readFileSync(new URL('../fixtures/data/tokens.json', import.meta.url), 'utf8')) as Fixture;

test.each([0, 1])('tokenizer %i gives the ids of the original library', (index) => {
  const { file, ids } = FIXTURE.tokenizers[index] ?? { file: undefined, ids: [] };
  const { encode } = encoderOf(tokenizerSchema.parse(file));
  expect(FIXTURE.texts.map(encode)).toEqual(ids);
});

test('a tokenizer.json, a list of words and an object of ids are read', async () => {
  const [wordLevel] = FIXTURE.tokenizers;
  const { words } = FIXTURE;
  const folder = await folderOf({
    'tokenizer.json': JSON.stringify(wordLevel?.file),
    'vocab.txt': `${words.join('\r\n')}\r\n`,
    'words.json': JSON.stringify(words),
    'ids.json': JSON.stringify(Object.fromEntries(words.map((word, id) => [word, id]))),
  });
  for (const name of ['tokenizer.json', 'vocab.txt', 'words.json', 'ids.json']) {
    const encoder = encoderOf(await readTokenizer(join(folder, name)));
    expect([name, FIXTURE.texts.map(encoder.encode)]).toEqual([name, wordLevel?.ids]);
    expect(encoder).toMatchObject({ padding: 0, unknown: 1, largestId: words.length - 1 });
  }
});

test('a vocabulary with capitals tells them apart, and one without an unknown leaves words out', async () => {
  const folder = await folderOf({ 'vocab.txt': 'the\nThe\nrock\n' });
  const encoder = encoderOf(await readTokenizer(join(folder, 'vocab.txt')));
  expect(encoder.encode('The paper rock the')).toEqual([1, 2, 0]);
  expect(encoder).toMatchObject({ padding: 0, unknown: undefined });
});

test.each([
  ['a.json', '{"model": "x"}', /neither a tokenizer nor a vocabulary/],
  ['a.json', '{"a": -1}', /neither/],
  ['a.json', '{', /no JSON/],
  ['a.json', '{"model": {"type": "Nonsense", "vocab": {}}}', /cannot be used/],
  ['a.txt', '', /is empty/],
  ['a.txt', 'play\n##ing\n', /parts of words/],
  ['a.txt', new Uint8Array([0xff, 0xfe, 0x00]), /cannot be read/],
])('%s that holds %s is refused in words', async (name, content, message) => {
  const folder = await folderOf({ [name]: content });
  await expect(readTokenizer(join(folder, name))).rejects.toThrow(message);
});

test('a tokenizer that does not exist is named', async () => {
  await expect(readTokenizer('/nowhere/vocab.txt')).rejects.toThrow(/\/nowhere\/vocab.txt cannot be read/);
});

test('a regular expression that would never end is ended, and the text is named', () => {
  const pattern = { type: 'Split', pattern: { Regex: '^(\\w+\\s?)+$' }, behavior: 'Isolated', invert: false };
  const [wordLevel] = FIXTURE.tokenizers;
  const file = { ...tokenizerSchema.parse(wordLevel?.file), pre_tokenizer: pattern };
  const { encode } = encoderOf(file);
  expect(encode('short')).toHaveLength(1);
  expect(() => encode(`${'word'.repeat(12)} !`)).toThrow(/took more than 5 seconds for one text: "wordword/);
  expect(encode('short')).toHaveLength(1);
});
