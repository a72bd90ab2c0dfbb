import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openSentences, type Sentences } from '../../lib/data/sentences.js';
import { testWith } from '../shared-data.js';
import { folderOf } from './folders.js';

const SPLITS = ['train', 'validation', 'test'] as const;

function sizes({ dataset }: Sentences) {
  return SPLITS.map((split) => dataset[split].length);
}

/** `class: text` of every sample. */
function labelled({ dataset, texts }: Sentences, split: (typeof SPLITS)[number]) {
  return texts(split)
    .map((text, index) => `${dataset.classes[dataset[split][index]?.label ?? -1]}: ${text}`)
    .sort();
}

const lines = (word: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${word} ${index}`).join('\n');

test('a file for each class holds a sentence a line; the split is by class, and the seed decides it', async () => {
  const folder = await folderOf({
    'good.txt': `${lines('nice', 10)}\n\n  \n`,
    'bad.txt': `\uFEFF${lines('poor', 20)}\r\n`,
  });
  const opened = await openSentences(folder, { seed: 3 });
  expect(opened.dataset.classes).toEqual(['bad', 'good']);
  expect(sizes(opened)).toEqual([21, 3, 6]);
  expect(
    labelled(opened, 'test')
      .map((entry) => entry.slice(0, 9))
      .sort(),
  ).toEqual([...new Array(4).fill('bad: poor'), ...new Array(2).fill('good: nic')]);
  const all = SPLITS.flatMap((split) => labelled(opened, split));
  expect(all).toContain('bad: poor 0');
  expect(new Set(all).size).toBe(30);
  const [again, other] = [await openSentences(folder, { seed: 3 }), await openSentences(folder, { seed: 4 })];
  expect(again.dataset.fingerprint).toBe(opened.dataset.fingerprint);
  expect(other.dataset.fingerprint).not.toBe(opened.dataset.fingerprint);
  expect(opened.dataset.test[0]?.file).toMatch(/^(bad|good)\.txt:\d+$/);
});

test('class folders hold a text in each file; what lies beside them is left out', async () => {
  const files = Object.fromEntries(
    ['train', 'test'].flatMap((split) =>
      ['pos', 'neg'].flatMap((name) =>
        [0, 1, 2].map((index) => [`${split}/${name}/${index}.txt`, `${name} ${split}\n${index}`]),
      ),
    ),
  );
  const folder = await folderOf({
    ...files,
    'train/urls.txt': 'x',
    'train/pos/empty.txt': ' ',
    'train/pos/a.bin': 'x',
  });
  const opened = await openSentences(folder, { seed: 0 });
  expect(sizes(opened)).toEqual([4, 2, 6]);
  expect(labelled(opened, 'test')).toContain('neg: neg test\n2');
  expect(opened.dataset.skipped.map(({ file }) => file).sort()).toEqual([
    'train/pos/a.bin',
    'train/pos/empty.txt',
    'train/urls.txt',
  ]);
});

test('tables: one with splits, one for each split, tabs', async () => {
  const table =
    'text,label,split\n"good, very",p,train\nbad,n,train\nfine,p,val\npoor,n,val\nnice,p,test\ndull,n,test\n';
  const folder = await folderOf({
    'one/all.csv': table,
    'three/train.tsv': 'sentence\tlabel\nsay "good" twice\t1\nbad\t0\n',
    'three/validation.tsv': 'sentence\tlabel\nfine\t1\npoor\t0\n',
    'three/test.csv': 'label,text\n1,nice\n0,dull\n',
  });
  const one = await openSentences(join(folder, 'one', 'all.csv'), { seed: 0 });
  expect(SPLITS.map((split) => labelled(one, split))).toEqual([
    ['n: bad', 'p: good, very'],
    ['n: poor', 'p: fine'],
    ['n: dull', 'p: nice'],
  ]);
  expect((await openSentences(join(folder, 'one'), { seed: 5 })).dataset.fingerprint).toBe(one.dataset.fingerprint);
  const three = await openSentences(join(folder, 'three'), { seed: 0, classes: ['1', '0'] });
  expect(SPLITS.map((split) => labelled(three, split))).toEqual([
    ['0: bad', '1: say "good" twice'],
    ['0: poor', '1: fine'],
    ['0: dull', '1: nice'],
  ]);
});

test('text that is not UTF-8 is read as what was usual before it, and that is said', async () => {
  const folder = await folderOf({
    'a.pos': new Uint8Array([0x63, 0x61, 0x66, 0xe9, 0x0a, 0x80, 0x0a, 0x78]),
    'a.neg': 'x\ny\nz',
  });
  const warnings: string[] = [];
  const opened = await openSentences(folder, { seed: 0, onWarning: (message) => warnings.push(message) });
  expect(SPLITS.flatMap((split) => labelled(opened, split))).toEqual(
    expect.arrayContaining(['a.pos: café', 'a.pos: €']),
  );
  expect(warnings).toEqual(['a.pos is not UTF-8, and was read as Windows-1252.']);
});

test.each<[string, Record<string, string | Uint8Array>, RegExp]>([
  ['an empty folder', {}, /holds no labelled sentences/],
  [
    'tables that name no split',
    { 'a.csv': 'text,label\nx,y\n', 'b.csv': 'text,label\nx,y\n' },
    /no labelled sentences/,
  ],
  ['one class', { 'a.txt': 'x\ny\nz' }, /only one class/],
  ['a class with too few', { 'a.txt': 'x\ny\nz', 'b.txt': 'x' }, /Class "b" has 1 sentence, too few/],
  ['a file that is no text', { 'a.txt': new Uint8Array([1, 0, 2]), 'b.txt': 'x' }, /zero bytes: it is no text/],
  ['an empty class folder', { 'a/x.txt': 'x', 'b/y.png': 'x' }, /class folder .*b" holds no text/],
  ['a table without labels', { 'a.csv': 'text,class\nx,y\n' }, /no column "label"/],
  ['a table without texts', { 'a.csv': 'words,label\nx,y\n' }, /no column "text"/],
  ['an empty table', { 'a.csv': 'text,label\n' }, /lists no sentences/],
  [
    'a table with holes',
    { 'a.csv': 'text,label,split\n,y,train\nx,,train\nx,y,later\n' },
    /line 2: the text is empty; line 3: the label is empty; line 4: the split "later"/,
  ],
])('%s is refused in words', async (_, files, message) => {
  await expect(openSentences(await folderOf(files), { seed: 0 })).rejects.toThrow(message);
});

test('what does not exist, is no table, or has a class that the model does not know is refused', async () => {
  const folder = await folderOf({ 'a.txt': 'x\ny\nz', 'b.txt': 'x\ny\nz' });
  await expect(openSentences(join(folder, 'c'), { seed: 0 })).rejects.toThrow(/does not exist/);
  await expect(openSentences(join(folder, 'a.txt'), { seed: 0 })).rejects.toThrow(/neither a folder nor a CSV or TSV/);
  await expect(openSentences(folder, { seed: 0, classes: ['a', 'c'] })).rejects.toThrow(/sentences of class "b"/);
});

testWith('rt-polarity', 'the movie reviews in both encodings have 5,331 sentences of each class', async (path) => {
  const [utf8, cp1252] = await Promise.all(
    ['utf8', 'cp1252'].map((name) => openSentences(join(path, name), { seed: 0 })),
  );
  for (const opened of [utf8, cp1252]) {
    expect(opened?.dataset.classes).toEqual(['rt-polarity.neg', 'rt-polarity.pos']);
    expect(opened && sizes(opened)).toEqual([7464, 1066, 2132]);
  }
});

test('a class may have more sentences than a call may have arguments', async () => {
  const folder = await folderOf({ 'a.txt': 'x\n'.repeat(300_000), 'b.txt': 'x\ny\nz' });
  expect(sizes(await openSentences(folder, { seed: 0 })).reduce((sum, size) => sum + size)).toBe(300_003);
});
