import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createFeatures, openFeatures } from '../../lib/search/feature-file.js';
import { temporaryFolder } from '../data/folders.js';

test('a folder that cannot be made is one clear sentence', async () => {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'file'), '');
  const places = [
    join(folder, 'file', 'features'),
    ...(process.platform === 'linux' ? ['/proc/tascnet/features'] : []),
  ];
  for (const place of places)
    expect(() => createFeatures(place, 'key')).toThrow(/^The feature cache in ".*features" cannot be written: /);
});

test('features that cannot get their name are an error, and nothing of them stays', async () => {
  const folder = await temporaryFolder();
  // A folder in the way of the file.
  mkdirSync(join(folder, 'key.f32', 'deep'), { recursive: true });
  const writer = createFeatures(folder, 'key');
  writer.write(Float32Array.of(1, 2));
  expect(() => writer.finish({ shape: [1], labels: [[0, 1]] })).toThrow(/cannot be written/);
  writer.abandon();
  expect(readdirSync(folder)).toEqual(['key.f32']);
});

test('rows come back as they were written, in the order of the views', async () => {
  const folder = join(await temporaryFolder(), 'new', 'folder');
  const writer = createFeatures(folder, 'key');
  writer.write(Float32Array.of(1, 2, 3, 4));
  writer.write(Float32Array.of(5, 6, 7, 8));
  const labels = [
    [0, 1],
    [1, 0],
  ];
  expect(openFeatures(folder, 'key')).toBeUndefined();
  writer.finish({ shape: [2], labels });
  const rows = openFeatures(folder, 'key');
  const into = new Float32Array(5);
  rows?.read(1, 0, into, 1);
  rows?.close();
  expect([...into]).toEqual([0, 5, 6, 0, 0]);
  expect(rows).toMatchObject({ shape: [2], labels });
  expect(existsSync(join(folder, 'key.f32'))).toBe(true);
});
