import { expect, test } from '@jest/globals';
import { inputMetadata, isText } from '../../lib/data/input-preprocessing.js';
import { METADATA_KEYS } from '../../lib/data/preprocessing.js';
import {
  textPreprocessingFor,
  textPreprocessingFrom,
  tokenRows,
  WORD_DROPOUT,
  wordDropout,
} from '../../lib/data/text-preprocessing.js';
import { tokenizerSchema } from '../../lib/data/tokenizer.js';
import { graphBuilder } from '../models/builder.js';
import { textCnn } from '../models/modern-families.js';

const vocabulary = (words: number) =>
  tokenizerSchema.parse({
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: null,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries(Array.from({ length: words }, (_, id) => [['<unk>', '<pad>'][id] ?? `w${id}`, id])),
      unk_token: '<unk>',
    },
  });

test('texts are cut or filled up, and what is lost is counted', () => {
  const { preprocessing, encoder } = textPreprocessingFor(textCnn({}, 4 + 4), { tokenizer: vocabulary(16) }, () => []);
  expect(preprocessing).toMatchObject({ kind: 'text', length: 8, padding: 1 });
  const rows = tokenRows(['w2 w3', 'w4 x w5 w6 w7 w8 w9 w10 w11 w12', ''], preprocessing, encoder);
  expect(Array.from(rows.ids)).toEqual([
    ...[2, 3, 1, 1, 1, 1, 1, 1],
    ...[4, 0, 5, 6, 7, 8, 9, 10],
    ...[1, 1, 1, 1, 1, 1, 1, 1],
  ]);
  expect(rows).toMatchObject({ tokens: 12, unknown: 1, cut: 1 });
});

test('the length is what is asked, else that of the metadata, of the model, of the longest text', () => {
  const tokenizer = vocabulary(16);
  const lengthOf = (graph: ReturnType<typeof textCnn>, length?: number) =>
    textPreprocessingFor(graph, { tokenizer, length }, () => ['w2 w3', 'w2 w3 w4 w5 w6']).preprocessing.length;
  const open = textCnn();
  const free = { ...open, inputs: open.inputs.map((input) => ({ ...input, dims: ['N', 'L'] })) };
  const stored = { ...free, metadata: inputMetadata({ kind: 'text', length: 9, padding: 0, tokenizer }, ['a', 'b']) };
  expect([lengthOf(free), lengthOf(textCnn()), lengthOf(stored), lengthOf(stored, 7)]).toEqual([5, 20, 9, 7]);
});

test('it travels in the metadata', () => {
  const preprocessing = { kind: 'text', length: 9, padding: 1, tokenizer: vocabulary(5) } as const;
  const metadata = inputMetadata(preprocessing, ['a', 'b']);
  expect(metadata).toMatchObject({ 'tascnet.task': 'text-classification' });
  const back = textPreprocessingFrom(metadata);
  expect(back && isText(back)).toBe(true);
  expect(back).toEqual(preprocessing);
  expect(textPreprocessingFrom({})).toBeUndefined();
  const { encoder } = textPreprocessingFor({ ...textCnn(), metadata }, {}, () => []);
  expect(encoder.encode('w2 no')).toEqual([2, 0]);
  for (const wrong of ['{}', '{"kind":"text","length":0}', 'x'])
    expect(() => textPreprocessingFrom({ [METADATA_KEYS.preprocessing]: wrong })).toThrow(/tascnet.preprocessing/);
});

test('a model without token ids, without a tokenizer or with too small an embedding is refused in words', () => {
  const b = graphBuilder('image');
  const image = b.build(b.relu(b.input([3, 8, 8])));
  const choice = { tokenizer: vocabulary(16) };
  expect(() => textPreprocessingFor(image, choice, () => [])).toThrow(/one input of token ids.*it has input float32/);
  expect(() => textPreprocessingFor(textCnn(), {}, () => [])).toThrow(/no tokenizer was given/);
  expect(() => textPreprocessingFor(textCnn(), { tokenizer: vocabulary(17) }, () => [])).toThrow(
    /ids up to 16, but the model's embedding "embedding.weight" has 16 rows/,
  );
});

test('words are left out at random, the same for the same seed and epoch, and padding stays', () => {
  const tokenizer = vocabulary(16);
  const { preprocessing, encoder } = textPreprocessingFor(textCnn({}, 1000), { tokenizer }, () => []);
  const { ids } = tokenRows([new Array(900).fill('w5').join(' ')], preprocessing, encoder);
  const varied = (seed: number, epoch: number) => {
    const row = ids.slice();
    wordDropout(WORD_DROPOUT.full, preprocessing, encoder, seed)?.(row, 0, epoch);
    return row;
  };
  const row = varied(1, 0);
  const dropped = row.filter((id) => id === 0).length;
  // Binomial: 180 ± 4 deviations of 12.
  expect(Math.abs(dropped - 180)).toBeLessThan(48);
  expect(row.slice(900)).toEqual(new Float32Array(100).fill(1));
  expect(varied(1, 0)).toEqual(row);
  expect(varied(1, 1)).not.toEqual(row);
  expect(varied(2, 0)).not.toEqual(row);
  expect(wordDropout(WORD_DROPOUT.none, preprocessing, encoder, 1)).toBeUndefined();
});
