import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  augmentationOf,
  type ColourChange,
  type Crop,
  levelOfStudent,
  randomColourChange,
  randomCrop,
} from '../../lib/data/augment.js';
import { imageFormat, writeImages } from '../../lib/data/image-batch.js';
import type { Preprocessing } from '../../lib/data/preprocessing.js';
import { type RandomGenerator, randomGenerator } from '../../lib/graph/random.js';

/** What PyTorch's grid_sample and Pillow's ImageEnhance make of one image. */
const expected: {
  size: [number, number];
  image: number[];
  crops: { crop: Crop; pixels: number[] }[];
  colours: { factors: [number, number, number]; pixels: number[] }[];
} = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/data/augmented.json'), 'utf8'));

const [height, width] = expected.size;
const image = Uint8Array.from(expected.image);
const whole: Crop = { top: 0, left: 0, height, width, flip: false };
const plain: Preprocessing = {
  size: expected.size,
  layout: 'NCHW',
  channels: 'RGB',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  resize: 'squash',
};

/** The image, changed where a change is given, as a batch of one. */
async function written(
  preprocessing: Preprocessing,
  channelsLast: boolean,
  change?: { crop: Crop; colour?: ColourChange | undefined },
): Promise<Float32Array> {
  const out = new Float32Array(height * width * preprocessing.channels.length);
  const changes = change && [{ colour: undefined, ...change }];
  await writeImages(imageFormat(preprocessing, channelsLast), 1, () => image, changes, out);
  return out;
}

function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((max, value, index) => Math.max(max, Math.abs(value - (b[index] ?? Number.NaN))), 0);
}

/** Factors as they come, instead of random ones. */
function drawing(...values: number[]): RandomGenerator {
  return { ...randomGenerator(0), next: () => values.shift() ?? 0 };
}

describe('against PyTorch and Pillow', () => {
  for (const { crop, pixels } of expected.crops)
    test(`crop ${JSON.stringify(crop)}`, async () => {
      expect(worst(await written(plain, true, { crop }), pixels)).toBeLessThan(2e-3);
    });

  for (const { factors, pixels } of expected.colours)
    test(`brightness, contrast, saturation ${factors}`, async () => {
      const colour = randomColourChange(drawing(...factors.map((factor) => (factor - 1) / 0.8 / 2 + 0.5)), 0.8);
      // Pillow truncates to whole numbers after each of the three steps, and the luma too.
      expect(worst(await written(plain, true, { crop: whole, colour }), pixels)).toBeLessThan(3.5);
    });
});

describe('layouts and channels', () => {
  const scaled = { ...plain, scale: 1 / 255, mean: [0.1, 0.2, 0.3], std: [0.5, 0.6, 0.7] };

  test('plain and channelsLast hold the same numbers, changed or not', async () => {
    for (const channels of ['RGB', 'BGR'] as const)
      for (const change of [undefined, { crop: whole }]) {
        const preprocessing = { ...scaled, channels };
        const planar = await written(preprocessing, false, change);
        const packed = await written(preprocessing, true, change);
        for (let pixel = 0; pixel < height * width; pixel++)
          for (let channel = 0; channel < 3; channel++) {
            const source = channels === 'BGR' ? 2 - channel : channel;
            const value =
              ((image[3 * pixel + source] ?? 0) / 255 - (scaled.mean[channel] ?? 0)) / (scaled.std[channel] ?? 1);
            expect(planar[channel * height * width + pixel]).toBeCloseTo(value, 5);
            expect(packed[3 * pixel + channel]).toBeCloseTo(value, 5);
          }
      }
  });

  test('grey models see the luma', async () => {
    const grey: Preprocessing = { ...plain, channels: 'L', mean: [10], std: [2] };
    for (const change of [undefined, { crop: whole }]) {
      const out = await written(grey, false, change);
      expect(out.length).toBe(height * width);
      for (const [pixel, found] of out.entries()) {
        const [red = 0, green = 0, blue = 0] = image.subarray(3 * pixel);
        expect(found).toBeCloseTo((0.299 * red + 0.587 * green + 0.114 * blue - 10) / 2, 3);
      }
    }
  });

  test('changed colours stay pixels', async () => {
    const out = await written(plain, false, { crop: whole, colour: { own: 3, grey: -1, offset: 0.5 } });
    expect(Math.min(...out)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...out)).toBe(255);
  });
});

test('random crops stay inside, keep the asked area and aspect, and half of them are mirrored', () => {
  const random = randomGenerator('crops');
  let mirrored = 0;
  for (let round = 0; round < 2000; round++) {
    const [high, wide] = [20 + random.int(50), 20 + random.int(50)];
    const crop = randomCrop(random, high, wide, { flip: true, shift: 0, crop: 0.4, jitter: 0 });
    expect(crop.top).toBeGreaterThanOrEqual(0);
    expect(crop.left).toBeGreaterThanOrEqual(0);
    expect(crop.top + crop.height).toBeLessThanOrEqual(high + 1e-9);
    expect(crop.left + crop.width).toBeLessThanOrEqual(wide + 1e-9);
    expect((crop.height * crop.width) / (high * wide)).toBeGreaterThanOrEqual(0.4 - 1e-9);
    mirrored += crop.flip ? 1 : 0;
  }
  expect(Math.abs(mirrored - 1000)).toBeLessThan(100);
});

test('what is seen of an image does not depend on the size it is read in', () => {
  for (const level of ['shift', 'light', 'full'] as const)
    for (let seed = 0; seed < 100; seed++) {
      const seen = (high: number, wide: number) => randomCrop(randomGenerator(seed), high, wide, augmentationOf(level));
      const [small, large] = [seen(20, 15), seen(80, 60)];
      const square = seen(64, 64);
      expect(square.height / 64).toBeCloseTo(small.height / 20, 9);
      expect(square.width / 64).toBeCloseTo(small.width / 15, 9);
      // Images are moved by whole pixels of their own.
      const nearly = level === 'shift' ? 2.5 : 1e-9;
      for (const key of ['top', 'left', 'height', 'width'] as const)
        expect(Math.abs(large[key] - 4 * small[key])).toBeLessThanOrEqual(nearly);
      expect(large.flip).toBe(small.flip);
    }
});

test('shifts move the whole image by at most their share, in both directions alike, and do not mirror it', () => {
  const [random, shift] = [randomGenerator('shifts'), augmentationOf('shift')];
  const [height, width] = [80, 32];
  const crops = Array.from({ length: 2000 }, () => randomCrop(random, height, width, shift));
  for (const crop of crops) expect(crop).toMatchObject({ height, width, flip: false });
  for (const [places, extent] of [
    [crops.map(({ top }) => top), height],
    [crops.map(({ left }) => left), width],
  ] as const) {
    const farthest = extent / 16;
    expect(places.every(Number.isInteger)).toBe(true);
    expect(Math.max(...places)).toBeLessThanOrEqual(farthest);
    expect(Math.min(...places)).toBeGreaterThanOrEqual(-farthest);
    // Uniform: standard deviation farthest / √3, of a mean of 2,000 a 45th of that.
    const mean = places.reduce((sum, place) => sum + place, 0) / places.length;
    expect(Math.abs(mean)).toBeLessThan((4 * farthest) / Math.sqrt(3 * places.length));
    expect(Math.max(...places)).toBeGreaterThan(0.98 * farthest);
  }
});

test("a student's images are varied in the same way, but not lightly", () => {
  expect(levelOfStudent('light')).toBe('full');
  for (const level of ['none', 'shift', 'full'] as const) expect(levelOfStudent(level)).toBe(level);
});

test('levels and out-of-range numbers', () => {
  expect(augmentationOf('none')).toEqual({ flip: false, shift: 0, crop: 1, jitter: 0 });
  expect(augmentationOf('full').crop).toBeLessThan(augmentationOf('light').crop);
  const plain = augmentationOf('none');
  for (const wrong of [
    { crop: 0 },
    { crop: 1.1 },
    { crop: Number.NaN },
    { jitter: 1 },
    { jitter: -0.1 },
    { shift: 1 },
    { shift: -0.1 },
    { shift: 0.1, crop: 0.9 },
  ])
    expect(() => augmentationOf({ ...plain, ...wrong })).toThrow(/should be/);
});
