/** One image file to pixels. */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type sharpOf from 'sharp';
import { messageOf, TascnetError } from '../errors.js';
import type { Preprocessing } from './preprocessing.js';

export interface PixelFormat {
  /** Height and width in pixels. */
  size: readonly [number, number];
  resize: Preprocessing['resize'];
}

/** Pillow's limit for decompression bombs: a grey image of this many pixels takes half a gigabyte as three floats. */
export const MAX_IMAGE_PIXELS = 178_956_970;
const MAX_FILE_BYTES = 512 * 1024 * 1024;
const MAX_SECONDS = 120;

/** Loaded with the first image: most of what is not about images does without its megabytes. @throws TascnetError */
export async function imageLibrary(): Promise<typeof sharpOf> {
  try {
    const { default: sharp } = await import('sharp');
    // The images of a dataset are decoded side by side: threads within one and a cache of past ones only cost.
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  } catch (error) {
    throw new TascnetError(`The library that decodes images cannot be loaded: ${messageOf(error).split('\n')[0]}`, {
      hint: 'npm install --include=optional sharp installs it for this system.',
      cause: error,
    });
  }
}

/** What is decoded, by the first bytes: the decoder must not guess, since it would also run SVG and other loaders. */
function isSupported(head: Buffer): boolean {
  const text = (start: number, end: number) => head.toString('latin1', start, end);
  return (
    text(0, 3) === '\xFF\xD8\xFF' ||
    text(0, 8) === '\x89PNG\r\n\x1A\n' ||
    (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') ||
    text(0, 4) === 'GIF8' ||
    text(0, 4) === 'II*\0' ||
    text(0, 4) === 'MM\0*' ||
    (text(4, 8) === 'ftyp' && /avif|avis|mif1/.test(text(8, 32)))
  );
}

/**
 * Decodes a file to RGB, three bytes a pixel, row by row, at the size of `format`: upright by its EXIF orientation, in
 * sRGB (from grey, CMYK, 16-bit or another profile), transparency laid on white, the first frame of an animation.
 * Scaling is bilinear, averaging over all source pixels when it shrinks.
 * @param sharp from `imageLibrary`
 * @throws Error with a reason that reads on after a file name, for files that are not images, corrupt or too large.
 */
export async function decodeImage(
  sharp: typeof sharpOf,
  path: string,
  { size: [height, width], resize }: PixelFormat,
): Promise<Uint8Array> {
  const bytes = await readImageFile(path);
  try {
    const { data, info } = await sharp(bytes, { failOn: 'warning', limitInputPixels: MAX_IMAGE_PIXELS, pages: 1 })
      .timeout({ seconds: MAX_SECONDS })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .resize({ width, height, fit: resize === 'squash' ? 'fill' : 'cover', position: 'centre', kernel: 'linear' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels === 3) return data;
    if (info.channels === 1) return greyToRgb(data);
    throw new Error(`it decodes to ${info.channels} channels, not 3`);
  } catch (error) {
    throw new Error(reasonOf(error), { cause: error });
  }
}

async function readImageFile(path: string): Promise<Buffer> {
  // Without O_NONBLOCK, a pipe put in the file's place would hang the opening for ever.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new Error('it is a device, pipe or folder, not a file');
    if (info.size === 0) throw new Error('the file is empty');
    if (info.size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB`);
    const bytes = await handle.readFile();
    if (!isSupported(bytes)) throw new Error('its content is not JPEG, PNG, WebP, GIF, TIFF or AVIF');
    return bytes;
  } finally {
    await handle.close();
  }
}

function greyToRgb(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  for (const [index, value] of grey.entries()) rgb.fill(value, 3 * index, 3 * index + 3);
  return rgb;
}

/** The decoder's messages span lines and repeat; the first line says it. */
function reasonOf(error: unknown): string {
  const message = messageOf(error);
  if (/exceeds pixel limit/i.test(message))
    return `it has more than ${Math.round(MAX_IMAGE_PIXELS / 1e6)} million pixels`;
  return message.split('\n')[0] ?? message;
}
