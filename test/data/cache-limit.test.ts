import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { touch, trimCache } from '../../lib/data/cache-limit.js';
import { openImages } from '../../lib/data/images.js';
import { loadPixels } from '../../lib/data/pixels.js';
import { classImages, folderOf, temporaryFolder } from './folders.js';

/** A file that was used so many hours ago. */
function file(folder: string, name: string, bytes: number, hours: number): void {
  const path = join(folder, name);
  writeFileSync(path, new Uint8Array(bytes));
  const then = new Date(Date.now() - hours * 3600 * 1000);
  utimesSync(path, then, then);
}

test('the entries used longest ago go, with all their files, until the rest fits', async () => {
  const folder = await temporaryFolder();
  file(folder, 'a.f32', 40, 9);
  file(folder, 'a.json', 1, 5);
  file(folder, 'b.f32', 40, 4);
  file(folder, 'c.f32', 40, 3);
  file(folder, 'd.f32', 40, 2);
  trimCache(folder, 1000, []);
  expect(readdirSync(folder)).toHaveLength(5);
  // What is kept stays, however old; of the others the latest that fit.
  trimCache(folder, 121, ['b']);
  expect(readdirSync(folder).sort()).toEqual(['b.f32', 'c.f32', 'd.f32']);
  touch(join(folder, 'b.f32'));
  trimCache(folder, 110, ['d']);
  expect(readdirSync(folder).sort()).toEqual(['b.f32', 'd.f32']);
});

test('half-written files are left to their writers for a day', async () => {
  const folder = await temporaryFolder();
  file(folder, 'a.f32.12.tmp', 100, 1);
  file(folder, 'b.pixels.12-ab.part', 100, 30);
  trimCache(folder, 10, []);
  expect(readdirSync(folder)).toEqual(['a.f32.12.tmp']);
});

test('decoded images beyond the limit make room for those of now', async () => {
  const root = await folderOf(classImages({ a: 6, b: 6 }));
  const dataset = await openImages(root, { seed: 0 });
  const cache = await temporaryFolder();
  const load = (height: number, cacheLimit: number) =>
    loadPixels(dataset, { size: [height, 8], resize: 'squash', cache, cacheLimit });
  await load(8, 1e6);
  await load(16, 1e6);
  expect(await readdir(cache)).toHaveLength(2);
  // The latest stays, though it alone is beyond the limit.
  await load(24, 1);
  expect(await readdir(cache)).toHaveLength(1);
  expect((await load(24, 1)).cached).toBe(true);
  expect((await load(8, 1)).cached).toBe(false);
});
