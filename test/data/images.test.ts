import { execFileSync } from 'node:child_process';
import { cp, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { classCounts, classWeights } from '../../lib/data/dataset.js';
import { openImages } from '../../lib/data/images.js';
import { classImages, folderOf, plainImage, temporaryFolder } from './folders.js';

const names = (samples: { file: string }[]) => samples.map((sample) => sample.file);

describe('class folders', () => {
  test('sorted classes are the labels, and the split is stratified', async () => {
    const root = await folderOf(classImages({ zebra: 20, ant: 10 }));
    const data = await openImages(root, { seed: 1 });
    expect(data.classes).toEqual(['ant', 'zebra']);
    expect([data.train.length, data.validation.length, data.test.length]).toEqual([21, 3, 6]);
    expect(classCounts(data)).toEqual([7, 14]);
    for (const { file, label } of data.train) expect(file.startsWith(label === 0 ? 'ant/' : 'zebra/')).toBe(true);
    expect(new Set([...names(data.train), ...names(data.validation), ...names(data.test)]).size).toBe(30);
    expect([...classWeights(data)]).toEqual([1.5, 0.75]);
  });

  test('the seed decides the split; place and times of the files do not matter', async () => {
    const root = await folderOf(classImages({ a: 10, b: 10 }));
    const copy = join(await temporaryFolder(), 'moved');
    await cp(root, copy, { recursive: true });
    await utimes(join(copy, 'a/0.png'), 1, 1);
    const [first, same, other, moved] = await Promise.all([
      openImages(root, { seed: 1 }),
      openImages(root, { seed: 1 }),
      openImages(root, { seed: 2 }),
      openImages(copy, { seed: 1 }),
    ]);
    expect(same).toEqual(first);
    expect(moved.fingerprint).toBe(first.fingerprint);
    expect(other.fingerprint).not.toBe(first.fingerprint);
    await writeFile(join(copy, 'a/0.png'), await plainImage(9, 9, 9));
    expect((await openImages(copy, { seed: 1 })).fingerprint).not.toBe(first.fingerprint);
  });

  test('nested folders belong to their class, odd files are skipped and named, hidden ones ignored', async () => {
    const root = await folderOf({
      ...classImages({ a: 3, b: 3 }),
      'a/deep/er/more.png': 1,
      'a/notes.txt': 'x',
      'a/drawing.svg': '<svg/>',
      'b/.hidden.png': 1,
      '__MACOSX/c/x.png': 1,
      'loose.png': 1,
    });
    const data = await openImages(root, { seed: 0 });
    expect(data.classes).toEqual(['a', 'b']);
    expect(data.train.length + data.validation.length + data.test.length).toBe(7);
    expect(names(data.skipped)).toEqual(['a/drawing.svg', 'a/notes.txt', 'loose.png']);
  });

  test('odd names are read as they are', async () => {
    const root = await folderOf({
      ...classImages({ '<b>bold': 3, __proto__: 0, 'with space, comma': 3 }),
      'with space, comma/line\nbreak.png': 1,
      'with space, comma/日本 "quoted".png': 1,
      '__proto__/1.png': 1,
      '__proto__/2.png': 1,
      '__proto__/3.png': 1,
      'constructor/1.JPG': 1,
      'constructor/2.jpeg': 1,
      'constructor/3.webp': 1,
    });
    const data = await openImages(root, { seed: 0 });
    expect(data.classes).toEqual(['<b>bold', '__proto__', 'constructor', 'with space, comma']);
    expect(data.skipped).toEqual([]);
  });

  test('links within the folder count, links that leave it, pipes and loops do not', async () => {
    const outside = await folderOf({ 'secret.png': 1 });
    const root = await folderOf(classImages({ a: 3, b: 3 }));
    await symlink('../a/0.png', join(root, 'b/linked.png'));
    await symlink(join(outside, 'secret.png'), join(root, 'b/outside.png'));
    await symlink(outside, join(root, 'b/folder'));
    await symlink('nowhere.png', join(root, 'b/broken.png'));
    await symlink('..', join(root, 'b/loop'));
    execFileSync('mkfifo', [join(root, 'a/pipe.png')]);
    const data = await openImages(root, { seed: 0 });
    const reasons = Object.fromEntries(data.skipped.map(({ file, reason }) => [file, reason]));
    expect(reasons['a/pipe.png']).toMatch(/device, pipe or socket/);
    expect(reasons['b/outside.png']).toMatch(/leaves the dataset/);
    expect(reasons['b/folder']).toMatch(/leaves the dataset/);
    expect(reasons['b/broken.png']).toMatch(/leads nowhere/);
    expect(names([...data.train, ...data.validation, ...data.test])).toContain('b/linked.png');
  });
});

describe('split folders', () => {
  test('given splits are kept, the missing one is carved out of train', async () => {
    const root = await folderOf({
      ...classImages({ a: 16, b: 8 }, 'train/'),
      ...classImages({ a: 4, b: 2 }, 'test/'),
    });
    const data = await openImages(root, { seed: 0 });
    expect(data.test).toHaveLength(6);
    expect(data.validation).toHaveLength(3);
    expect(names(data.validation).every((file) => file.startsWith('train/'))).toBe(true);
    expect(data.train).toHaveLength(21);
    const whole = await folderOf({
      ...classImages({ a: 3, b: 3 }, 'train/'),
      ...classImages({ a: 2, b: 2 }, 'valid/'),
      ...classImages({ a: 1, b: 1 }, 'test/'),
    });
    const all = await openImages(whole, { seed: 0 });
    expect([all.train.length, all.validation.length, all.test.length]).toEqual([6, 4, 2]);
  });

  test('a class may be called train', async () => {
    const data = await openImages(await folderOf(classImages({ train: 4, bus: 4 })), { seed: 0 });
    expect(data.classes).toEqual(['bus', 'train']);
  });
});

describe('listings', () => {
  test('a CSV gives files, labels and splits; it may lie in the folder as split.csv', async () => {
    const images = classImages({ x: 6 });
    const rows = [0, 1, 2, 3, 4, 5].map(
      (index) => `x/${index}.png,${index % 2 ? 'odd' : '"even, really"'},${['train', 'val', 'test'][index >> 1]}`,
    );
    const root = await folderOf({ ...images, 'split.csv': `\uFEFFfile,label,split\r\n${rows.join('\r\n')}\r\n` });
    const data = await openImages(root, { seed: 0 });
    expect(data.classes).toEqual(['even, really', 'odd']);
    expect(names(data.validation)).toEqual(['x/2.png', 'x/3.png']);
    expect(await openImages(join(root, 'split.csv'), { seed: 0 })).toEqual(data);
  });

  test('without a split column the split is made', async () => {
    const rows = Array.from({ length: 20 }, (_, index) => `x/${index}.png,${index % 2 ? 'odd' : 'even'}`);
    const root = await folderOf({ ...classImages({ x: 20 }), 'list.csv': ['file,label', ...rows].join('\n') });
    const data = await openImages(join(root, 'list.csv'), { seed: 0 });
    expect([data.train.length, data.validation.length, data.test.length]).toEqual([14, 2, 4]);
  });

  const refused = async (csv: string): Promise<string> => {
    const root = await folderOf({ ...classImages({ x: 4 }), 'split.csv': csv, 'x/note.txt': 'x' });
    return await openImages(root, { seed: 0 }).then(
      () => 'opened',
      (error: Error) => error.message,
    );
  };

  test('problems are told by line', async () => {
    expect(await refused('')).toMatch(/lists no images/);
    expect(await refused('file,label\n')).toMatch(/lists no images/);
    expect(await refused('path,label\nx/0.png,a\n')).toMatch(/no column "file".*"path", "label"/);
    expect(await refused('file,label\nx/0.png,a\nx/9.png,b\n')).toMatch(/line 3: "x\/9.png" does not exist/);
    expect(await refused('file,label\nx/0.png,a\nx/1.png,\n')).toMatch(/line 3: the label is empty/);
    expect(await refused('file,label\n,a\n')).toMatch(/line 2: the file is empty/);
    expect(await refused('file,label,split\nx/0.png,a,training\n')).toMatch(/line 2: the split "training" is none/);
    expect(await refused('file,label\nx/0.png,a\nx/0.png,b\n')).toMatch(/line 3: "x\/0.png" is already on line 2/);
    expect(await refused('file,label\nx/0.png,a,b,c\n')).toMatch(/line 2/);
    expect(await refused('file,label\n../../etc/passwd,a\n')).toMatch(/line 2: .*leaves the folder/);
    expect(await refused('file,label\n/etc/passwd,a\n')).toMatch(/line 2: .*absolute path/);
    expect(await refused('file,label\nx,a\n')).toMatch(/line 2: "x" is not a file/);
    expect(await refused('file,label\nx/note.txt,a\n')).toMatch(/line 2: .*not named like an image/);
    expect(await refused('file,label\n"x/0.png,a\n')).toMatch(/cannot be read/);
    expect(await refused('file,label\nx/4.png,a\nx/5.png,a\nx/6.png,a\nx/7.png,a\nx/8.png,a\n')).toMatch(
      /and 2 more lines/,
    );
  });
});

describe('what cannot be used is refused in one sentence', () => {
  const refused = async (path: string, options = {}): Promise<string> =>
    await openImages(path, { seed: 0, ...options }).then(
      () => 'opened',
      (error: Error) => error.message,
    );

  test('nothing there, nothing in it, no classes', async () => {
    expect(await refused(join(await temporaryFolder(), 'none'))).toMatch(/does not exist/);
    expect(await refused(await temporaryFolder())).toMatch(/no class folders and no split.csv/);
    expect(await refused(await folderOf({ 'a.png': 1, 'b.png': 2 }))).toMatch(/holds 2 images but no class folders/);
    expect(await refused(join(await folderOf({ 'a.png': 1 }), 'a.png'))).toMatch(/is a file/);
    expect(await refused('/dev/null')).toMatch(/neither a folder nor a CSV/);
  });

  test('an empty class, only one class, too few images', async () => {
    const empty = await folderOf(classImages({ a: 3, b: 3 }));
    await mkdir(join(empty, 'c'));
    expect(await refused(empty)).toMatch(/c" holds no image/);
    expect(await refused(await folderOf({ ...classImages({ a: 3 }), 'b/readme.txt': 'x' }))).toMatch(
      /b" holds no image/,
    );
    expect(await refused(await folderOf(classImages({ only: 5 })))).toMatch(/only one class \("only"\)/);
    expect(await refused(await folderOf(classImages({ a: 5, b: 1 })))).toMatch(/"b" has 1 image, too few/);
  });

  test('split folders that contradict each other', async () => {
    const two = { ...classImages({ a: 3, b: 3 }, 'train/'), ...classImages({ a: 1, b: 1 }, 'val/') };
    expect(await refused(await folderOf({ ...two, ...classImages({ a: 1 }, 'valid/') }))).toMatch(
      /both val\/ and valid\//,
    );
    expect(await refused(await folderOf({ ...two, 'test/1.png': 1 }))).toMatch(/test" holds no class folders/);
    expect(await refused(await folderOf({ ...two, ...classImages({ c: 2 }, 'test/') }))).toMatch(
      /"c" has images .* none to train on/,
    );
  });

  test('classes that the model does not know, and names that no list could hold', async () => {
    const root = await folderOf(classImages({ a: 3, b: 3 }));
    expect(await refused(root, { classes: ['a', 'c'] })).toMatch(/class "b", which the model does not know/);
    expect((await openImages(root, { seed: 0, classes: ['b', 'c', 'a'] })).train[0]?.label).toBe(2);
    expect(await refused(await folderOf(classImages({ 'a\nb': 3, b: 3 })))).toMatch(/control character/);
    expect(await refused(root, { fractions: { train: 1, validation: 1, test: 1 } })).toMatch(/sum to 1/);
  });

  test('an aborted opening', async () => {
    const root = await folderOf(classImages({ a: 3, b: 3 }));
    await expect(openImages(root, { seed: 0, signal: AbortSignal.abort() })).rejects.toThrow('Interrupted');
  });
});
