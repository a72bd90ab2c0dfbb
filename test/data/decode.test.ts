import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { decodeImage, imageLibrary, type PixelFormat } from '../../lib/data/decode.js';
import { folderOf, temporaryFolder } from './folders.js';

const sharp = await imageLibrary();

const fixtures = join(import.meta.dirname, '../fixtures/data');

interface Decoded extends PixelFormat {
  tolerance: number;
  pixels: number[];
}
const decoded: Record<string, Decoded[]> = JSON.parse(readFileSync(join(fixtures, 'decoded.json'), 'utf8'));

describe('pixels are those that Pillow and numpy read', () => {
  for (const [name, cases] of Object.entries(decoded))
    for (const expected of cases)
      test(`${name} at ${expected.size.join('×')}, ${expected.resize}`, async () => {
        const pixels = await decodeImage(sharp, join(fixtures, name), expected);
        expect(pixels.length).toBe(expected.pixels.length);
        const worst = expected.pixels.reduce(
          (max, value, index) => Math.max(max, Math.abs(value - (pixels[index] ?? 0))),
          0,
        );
        expect(worst).toBeLessThanOrEqual(expected.tolerance);
      });
});

const format: PixelFormat = { size: [8, 8], resize: 'squash' };

async function refusal(content: string | Uint8Array, name = 'image.jpg'): Promise<string> {
  const root = await folderOf({ [name]: content });
  return await decodeImage(sharp, join(root, name), format).then(
    () => 'decoded',
    (error: Error) => error.message,
  );
}

/** A PNG that claims a size, with hardly any data. */
function claimingPng(width: number, height: number): Buffer {
  const chunk = (kind: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(99))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('what is no whole image is refused with a reason', () => {
  test('an empty file', async () => {
    expect(await refusal('')).toMatch(/empty/);
  });

  test('text', async () => {
    expect(await refusal('not an image at all')).toMatch(/content is not JPEG/);
  });

  test('SVG, whatever its name', async () => {
    expect(await refusal('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>', 'image.png')).toMatch(
      /content is not/,
    );
  });

  test('truncated JPEG, PNG, WebP, GIF, TIFF, AVIF', async () => {
    for (const name of ['exif-1.jpg', 'large.png', 'lossy.webp', 'animated.gif', 'little-endian.tif', 'picture.avif']) {
      const whole = await readFile(join(fixtures, name));
      expect([name, await refusal(whole.subarray(0, Math.floor(whole.length * 0.4)))]).not.toEqual([name, 'decoded']);
    }
  });

  test('damaged bytes within a PNG', async () => {
    const whole = await readFile(join(fixtures, 'large.png'));
    whole.fill(0, 1000, 1400);
    expect(await refusal(whole)).not.toBe('decoded');
  });

  test('a pixel bomb', async () => {
    expect(await refusal(claimingPng(60_000, 60_000))).toMatch(/more than 179 million pixels/);
  });

  test('a pipe does not hang', async () => {
    const root = await temporaryFolder();
    execFileSync('mkfifo', [join(root, 'pipe.jpg')]);
    await expect(decodeImage(sharp, join(root, 'pipe.jpg'), format)).rejects.toThrow(/device, pipe or folder/);
  });

  test('a missing file', async () => {
    await expect(decodeImage(sharp, join(await temporaryFolder(), 'none.jpg'), format)).rejects.toThrow(/no such file/);
  });

  test('random damage never crashes and never gives another size', async () => {
    const root = await temporaryFolder();
    for (const name of ['exif-6.jpg', 'large.png', 'lossy.webp', 'animated.gif', 'little-endian.tif', 'cmyk.jpg']) {
      const whole = await readFile(join(fixtures, name));
      for (let round = 1; round <= 20; round++) {
        const damaged = Buffer.from(whole);
        for (let hit = 0; hit < 6; hit++)
          damaged[(round * 7919 + hit * 104729) % damaged.length] = (round * 31 + hit * 17) % 256;
        const path = join(root, `${round}-${name}`);
        await writeFile(path, damaged);
        const size = await decodeImage(sharp, path, format).then(
          (pixels) => pixels.length,
          () => 192,
        );
        expect(size).toBe(192);
      }
    }
  });
});
