/** Labelled sentences through the command line, as a person would take them. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { textCnn } from '../models/modern-families.js';

const folder = mkdtempSync(join(tmpdir(), 'tascnet-text-'));
const [model, data, vocabulary] = ['net.onnx', 'data', 'words.txt'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];

/** A sentence's class is told by one of its words; all others are of any class. */
const CLASSES = { colours: ['red', 'blue'], animals: ['cat', 'dog'], fruits: ['plum', 'pear'] };
const OTHERS = ['the', 'a', 'very', 'saw', 'i', 'we', 'then', '.'];

beforeAll(() => {
  const random = randomGenerator(1, 'sentences');
  const any = (words: readonly string[]) => words[random.int(words.length)] ?? '';
  mkdirSync(data);
  for (const [name, words] of Object.entries(CLASSES)) {
    const sentences = Array.from({ length: 200 }, () =>
      random.shuffle([any(words), ...Array.from({ length: 5 + random.int(8) }, () => any(OTHERS))]).join(' '),
    );
    writeFileSync(join(data, `${name}.txt`), sentences.join('\n'));
  }
  const words = ['<pad>', '<unk>', ...Object.values(CLASSES).flat(), ...OTHERS];
  writeFileSync(vocabulary, words.join('\n'));
  writeFileSync(model, encodeOnnx(textCnn()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tascnet(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

const TRAIN = ['--data', data, '--learning-rate', '0.01', '--augment', 'none', '--quiet', '--json'];

test('a text network is fine-tuned, searched, pruned and measured; the results carry their tokenizer', () => {
  const [tuned, small, found] = ['tuned.onnx', 'small.onnx', 'found.onnx'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const fit = ['finetune', '--model', model, '--tokenizer', vocabulary, '--epochs', '10', ...TRAIN];
  const first = tascnet(...fit, '--out', tuned);
  expect(first).toMatchObject({ status: 0 });
  expect(JSON.parse(first.stdout).accuracy.value).toBeGreaterThan(0.95);
  expect(tascnet(...fit, '--out', join(folder, 'again.onnx')).status).toBe(0);
  expect(readFileSync(join(folder, 'again.onnx'))).toEqual(readFileSync(tuned));

  const pruned = tascnet(
    'prune',
    '--model',
    tuned,
    '--target-macs',
    '0.5',
    '--epochs',
    '12',
    '--tolerance',
    '5',
    ...TRAIN,
    '--out',
    small,
  );
  expect(pruned).toMatchObject({ status: 0 });
  const { before, after, rivals } = JSON.parse(pruned.stdout);
  expect(after.macs / before.macs).toBeLessThanOrEqual(0.5);
  expect(after.accuracy.value).toBeGreaterThan(0.95);
  expect(rivals).toMatchObject([{ name: 'smaller-input', absent: 'the network takes sentences, not images' }]);

  const search = ['search', '--model', tuned, '--trials', '2', '--trial-epochs', '2', '--depth', '1', '--epochs', '2'];
  const searched = tascnet(...search, ...TRAIN, '--out', found);
  expect(searched).toMatchObject({ status: 0 });
  expect(JSON.parse(searched.stdout).trials).toHaveLength(2);

  const both = tascnet('validate', tuned, small, '--data', data, '--json');
  expect(both).toMatchObject({ status: 0 });
  const { entries, comparison } = JSON.parse(both.stdout);
  expect(entries[1].accuracy).toEqual(after.accuracy);
  expect(comparison.agreement.value).toBeGreaterThan(0.9);
}, 240_000);

test('a run is not gone on with by another tokenizer', () => {
  const [words, out] = [join(folder, 'own.txt'), join(folder, 'run')];
  const content = readFileSync(vocabulary, 'utf8');
  writeFileSync(words, content);
  const budget = ['--epochs', '3', '--trials', '2', '--trial-epochs', '1', '--depth', '1', '--tolerance', '100'];
  const run = [
    'run',
    '--model',
    model,
    '--tokenizer',
    words,
    ...budget,
    '--target-macs',
    '0.7',
    ...TRAIN,
    '--out',
    out,
  ];
  expect([0, 3]).toContain(tascnet(...run).status);
  const { data: about, result } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'));
  expect(about.samples).toEqual({ train: 420, validation: 60, test: 120 });
  expect(result.stage2.macs).toBeLessThan(result.baseline.macs);
  writeFileSync(words, content.replace('red\nblue', 'blue\nred'));
  const other = tascnet('run', '--resume', out, '--quiet');
  expect(other).toMatchObject({ status: 1 });
  expect(other.stderr).toContain('are not those that this run began with');
}, 240_000);

test('a network of any length is pruned without data, and measured once its length is said', () => {
  const [free, small] = [join(folder, 'free.onnx'), join(folder, 'free-small.onnx')];
  const fixed = textCnn();
  writeFileSync(free, encodeOnnx({ ...fixed, inputs: fixed.inputs.map((input) => ({ ...input, dims: ['N', 'L'] })) }));
  const bare = tascnet('prune', '--model', free, '--ratio', '0.5', '--out', small, '--json');
  expect(bare).toMatchObject({ status: 0 });
  expect(bare.stderr).toContain('--text-length');
  expect(JSON.parse(bare.stdout).after).not.toHaveProperty('latencyMs');
  const both = tascnet('validate', free, small, '--text-length', '20', '--json');
  expect(both).toMatchObject({ status: 0 });
  const { entries } = JSON.parse(both.stdout);
  const inspected = JSON.parse(tascnet('inspect', small, '--text-length', '20', '--json').stdout);
  expect(entries[1].macs).toBe(inspected.macs);
  expect(entries[1].macs).toBeLessThan(0.5 * entries[0].macs);
  expect(tascnet('validate', free).stderr).toContain('the extent "L" of input "tokens" is not fixed');
});

test('what does not belong to sentences is refused before anything is trained', () => {
  const out = ['--out', join(folder, 'x.onnx')];
  const sized = tascnet('finetune', '--model', model, ...TRAIN, '--image-size', '32', ...out);
  expect(sized).toMatchObject({ status: 2 });
  expect(sized.stderr).toContain('--image-size is not for sentences');
  const bare = tascnet('finetune', '--model', model, ...TRAIN, ...out);
  expect(bare).toMatchObject({ status: 1 });
  expect(bare.stderr).toContain('--tokenizer');
  const image = tascnet('inspect', 'demo/digits-0-4.onnx', '--text-length', '3');
  expect(image).toMatchObject({ status: 2 });
  expect(image.stderr).toContain('--text-length is not for images');
});
