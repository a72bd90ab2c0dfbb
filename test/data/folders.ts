/** Small image folders for the tests, in the system's temporary folder. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from '@jest/globals';
import sharp from 'sharp';

const made: string[] = [];

afterAll(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** An empty folder that is removed after the tests. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tascnet-test-'));
  made.push(folder);
  return folder;
}

/** A PNG of one colour. */
export async function plainImage(red: number, green: number, blue: number, width = 4, height = 4): Promise<Buffer> {
  return await sharp({ create: { width, height, channels: 3, background: { r: red, g: green, b: blue } } })
    .png()
    .toBuffer();
}

/** Writes files (relative path → content) into a new folder; a number makes a small image of that red. */
export async function folderOf(files: Record<string, string | Uint8Array | number>): Promise<string> {
  const root = await temporaryFolder();
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), typeof content === 'number' ? await plainImage(content, 0, 0) : content);
  }
  return root;
}

/** `count` images for each class: class/0.png, class/1.png, …, each of another colour. */
export function classImages(counts: Record<string, number>, prefix = ''): Record<string, number> {
  const files: Record<string, number> = {};
  let colour = 0;
  for (const [name, count] of Object.entries(counts))
    for (let index = 0; index < count; index++) files[`${prefix}${name}/${index}.png`] = colour++ % 256;
  return files;
}
