import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
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

test('float16 rows take half of the space and come back to within three digits, held in memory or not', async () => {
  const folder = await temporaryFolder();
  const values = Float32Array.from({ length: 12 }, (_, index) => Math.sin(index) * 10 ** (index % 5));
  const writer = createFeatures(folder, 'half', { dtype: 'float16' });
  writer.write(values.subarray(0, 6));
  writer.write(values.subarray(6));
  writer.finish({ shape: [3], labels: [[0, 1, 0, 1]] });
  expect(statSync(join(folder, 'half.f16')).size).toBe(24);
  for (const inMemory of [0, 1000]) {
    const rows = openFeatures(folder, 'half', inMemory);
    const into = new Float32Array(5);
    rows?.read(0, 2, into, 2);
    rows?.close();
    [0, 0, ...values.subarray(6, 9)].forEach((value, index) => {
      expect(Math.abs((into[index] ?? Number.NaN) - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -11);
    });
  }
});

test('features beyond the limit go, those used longest ago first; those in use stay', async () => {
  const folder = await temporaryFolder();
  const make = (key: string, keep: string[], age = 0) => {
    const writer = createFeatures(folder, key, { limit: 20 * 4 + 200, keep });
    writer.write(new Float32Array(10));
    writer.finish({ shape: [10], labels: [[0]] });
    const then = new Date(Date.now() - age * 1000);
    for (const name of [`${key}.f32`, `${key}.json`]) utimesSync(join(folder, name), then, then);
  };
  make('a', [], 30);
  make('b', [], 20);
  make('c', ['a'], 10);
  expect(openFeatures(folder, 'b')).toBeUndefined();
  openFeatures(folder, 'a')?.close();
  make('d', []);
  expect(readdirSync(folder).filter((name) => name.endsWith('.f32'))).toEqual(['a.f32', 'd.f32']);
});
