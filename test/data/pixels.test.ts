import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openImages } from '../../lib/data/images.js';
import { type LoadPixelsOptions, loadPixels, type Pixels } from '../../lib/data/pixels.js';
import { classImages, folderOf, temporaryFolder } from './folders.js';

const format = { size: [4, 6] as const, resize: 'squash' as const };

async function opened(files = classImages({ a: 20, b: 20 }), options: Partial<LoadPixelsOptions> = {}) {
  const root = await folderOf(files);
  const dataset = await openImages(root, { seed: 0 });
  const cache = await temporaryFolder();
  const load = (more: Partial<LoadPixelsOptions> = {}) =>
    loadPixels(dataset, { ...format, cache, ...options, ...more });
  const cacheFile = async () => join(cache, (await readdir(cache))[0] ?? 'none');
  return { root, dataset, cache, load, cacheFile };
}

/** The first byte of each training image, with its file. */
function reds(pixels: Pixels): [string, number | undefined][] {
  return pixels.train.samples.map(({ file }, index) => [file, pixels.train.pixels(index)[0]]);
}

/** What classImages painted: the images' reds count up, class by class. */
function painted(file: string, perClass = 20): number {
  const [name, index] = file.split('/');
  return (name === 'a' ? 0 : perClass) + Number.parseInt(index ?? '', 10);
}

test('pixels belong to their samples; the second time they come from the cache', async () => {
  const { load, cache } = await opened();
  const progress: number[] = [];
  const first = await load({ onProgress: (done) => progress.push(done) });
  expect(first.cached).toBe(false);
  expect(progress).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  for (const [file, red] of reds(first)) expect(red).toBe(painted(file));
  expect(first.test.pixels(0)).toHaveLength(4 * 6 * 3);
  const second = await load();
  expect(second.cached).toBe(true);
  expect(reds(second)).toEqual(reds(first));
  expect(await readdir(cache)).toHaveLength(1);
});

test('pixels that do not fit into memory are read from the file', async () => {
  const { load } = await opened();
  const first = await load({ memoryLimit: 100 });
  const second = await load({ memoryLimit: 100 });
  const inMemory = await load();
  expect([first.cached, second.cached, inMemory.cached]).toEqual([false, true, true]);
  expect(reds(first)).toEqual(reds(inMemory));
  expect(reds(second)).toEqual(reds(inMemory));
  first.close();
  second.close();
  second.close();
});

test('another split of the same files shares the cache; another size, mode, content or time does not', async () => {
  const { root, load, cache } = await opened();
  await load();
  const other = await openImages(root, { seed: 5 });
  expect((await loadPixels(other, { ...format, cache })).cached).toBe(true);
  expect((await load({ size: [6, 4] })).cached).toBe(false);
  expect((await load({ resize: 'crop' })).cached).toBe(false);
  await utimes(join(root, 'a/0.png'), 1, 1);
  const touched = await openImages(root, { seed: 0 });
  expect((await loadPixels(touched, { ...format, cache })).cached).toBe(false);
});

describe('a damaged cache is made again', () => {
  const damages: Record<string, (whole: Buffer) => Buffer> = {
    'cut short': (whole) => whole.subarray(0, whole.length - 10),
    empty: () => Buffer.alloc(0),
    'a changed pixel': (whole) => {
      whole[100] = (whole[100] ?? 0) ^ 1;
      return whole;
    },
    'a changed trailer': (whole) => {
      whole.write('[', whole.length - 30);
      return whole;
    },
    'another file': () => Buffer.from('x'.repeat(5000)),
  };
  for (const [name, damage] of Object.entries(damages))
    for (const memoryLimit of [undefined, 100])
      test(`${name}, ${memoryLimit ? 'on disk' : 'in memory'}`, async () => {
        const { load, cacheFile } = await opened();
        const sound = reds(await load());
        await writeFile(await cacheFile(), damage(await readFile(await cacheFile())));
        const again = await load({ memoryLimit });
        expect(again.cached).toBe(false);
        expect(reds(again)).toEqual(sound);
        again.close();
        expect((await load()).cached).toBe(true);
      });
});

describe('corrupt images', () => {
  test('few are left out and named, cached or not', async () => {
    const { load, dataset } = await opened({ ...classImages({ a: 30, b: 30 }), 'a/7.png': 'garbage' as never });
    for (const cached of [false, true]) {
      const pixels = await load();
      expect(pixels.cached).toBe(cached);
      expect(pixels.corrupt).toEqual([{ file: 'a/7.png', reason: expect.stringMatching(/not JPEG/) }]);
      expect(pixels.dataset.skipped).toEqual(pixels.corrupt);
      const count = pixels.train.samples.length + pixels.validation.samples.length + pixels.test.samples.length;
      expect(count).toBe(59);
      for (const [file, red] of reds(pixels)) expect(red).toBe(painted(file, 30));
    }
    expect(dataset.skipped).toEqual([]);
  });

  test('more than 5 % are an error that names them', async () => {
    const bad = Object.fromEntries([1, 2, 3].map((index) => [`a/${index}.png`, 'garbage' as never]));
    const { load } = await opened({ ...classImages({ a: 20, b: 20 }), ...bad });
    await expect(load()).rejects.toThrow(/3 of the 40 images .* cannot be decoded: "a\/1.png" \(its content/);
    const { load: none } = await opened({
      'a/1.jpg': 'x',
      'a/2.jpg': 'x',
      'a/3.jpg': 'x',
      'b/1.jpg': 'x',
      'b/2.jpg': 'x',
      'b/3.jpg': 'x',
    } as never);
    await expect(none()).rejects.toThrow(/6 of the 6 images/);
  });

  test('a class of which nothing can be read is an error', async () => {
    const bad = Object.fromEntries([0, 1, 2].map((index) => [`b/${index}.png`, 'garbage' as never]));
    const { load } = await opened({ ...classImages({ a: 100, b: 3 }), ...bad });
    await expect(load()).rejects.toThrow(/None of the training images of class "b"/);
  });
});

test('a cache that cannot be written is a warning while there is memory, an error otherwise', async () => {
  const { load } = await opened();
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  const warnings: string[] = [];
  const pixels = await load({ cache: join(file, 'below'), onWarning: (message) => warnings.push(message) });
  for (const [name, red] of reds(pixels)) expect(red).toBe(painted(name));
  expect(warnings).toEqual([expect.stringMatching(/cannot be cached/)]);
  await expect(load({ cache: join(file, 'below'), memoryLimit: 100 })).rejects.toThrow(/do not fit into memory/);
});

test('an interrupted loading leaves nothing behind', async () => {
  const { load, cache } = await opened();
  for (const memoryLimit of [undefined, 100]) {
    const stop = new AbortController();
    const loading = load({
      memoryLimit,
      jobs: 1,
      signal: stop.signal,
      onProgress: (done) => done === 5 && stop.abort(),
    });
    await expect(loading).rejects.toThrow('Interrupted');
    expect(await readdir(cache)).toEqual([]);
  }
});

test('two that load at once both succeed', async () => {
  const { load, cache } = await opened();
  const [one, other] = await Promise.all([load(), load()]);
  expect(reds(one)).toEqual(reds(other));
  expect(await readdir(cache)).toHaveLength(1);
});

test('the default cache lies where TASCNET_CACHE says', async () => {
  const cache = join(await temporaryFolder(), 'made on demand');
  const before = process.env.TASCNET_CACHE;
  process.env.TASCNET_CACHE = cache;
  try {
    const { dataset } = await opened();
    await loadPixels(dataset, format);
    expect(await readdir(join(cache, 'pixels'))).toHaveLength(1);
  } finally {
    if (before === undefined) delete process.env.TASCNET_CACHE;
    else process.env.TASCNET_CACHE = before;
  }
});
