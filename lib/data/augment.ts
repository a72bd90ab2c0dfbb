/**
 * Pixels to a network's input, with random changes on the way. Plain loops over typed arrays: this runs for every image
 * of every epoch, beside the training step.
 */

import { TascnetError } from '../errors.js';
import type { RandomGenerator } from '../graph/random.js';
import type { Layout } from '../ops/operator.js';
import type { Preprocessing } from './preprocessing.js';

export interface Augmentation {
  /** Mirrors half of the images left to right. Not for digits, letters or anything whose mirror image means something else. */
  flip: boolean;
  /** The smallest share of the area that a random crop keeps, in (0, 1]; 1 takes the whole image. */
  crop: number;
  /** How far brightness, contrast and saturation may change, each by a factor within 1 ± jitter; 0 leaves them. */
  jitter: number;
}

export type AugmentationLevel = 'none' | 'light' | 'full';

const LEVELS: Record<AugmentationLevel, Augmentation> = {
  none: { flip: false, crop: 1, jitter: 0 },
  light: { flip: true, crop: 0.7, jitter: 0.1 },
  full: { flip: true, crop: 0.35, jitter: 0.3 },
};

/** @throws TascnetError when a number is out of its range. */
export function augmentationOf(choice: AugmentationLevel | Augmentation): Augmentation {
  const { flip, crop, jitter } = typeof choice === 'string' ? LEVELS[choice] : choice;
  if (!(crop > 0 && crop <= 1)) throw new TascnetError(`The crop of ${crop} should be over 0 and at most 1.`);
  if (!(jitter >= 0 && jitter < 1)) throw new TascnetError(`The jitter of ${jitter} should be from 0 to under 1.`);
  return { flip, crop, jitter };
}

/** A rectangle of the source, in pixels, not necessarily whole. */
export interface Crop {
  top: number;
  left: number;
  height: number;
  width: number;
  flip: boolean;
}

/** Aspect ratios of random crops, as in Inception (Szegedy et al., 2014, section 6) and torchvision. */
const LOG_ASPECT = Math.log(4 / 3);
const CROP_ATTEMPTS = 10;

/** A random crop: area uniform in [smallest, 1] of the image, aspect ratio log-uniform in [3/4, 4/3], place uniform. */
export function randomCrop(random: RandomGenerator, height: number, width: number, { flip, crop }: Augmentation): Crop {
  const mirrored = flip && random.next() < 0.5;
  if (crop < 1)
    for (let attempt = 0; attempt < CROP_ATTEMPTS; attempt++) {
      const area = height * width * (crop + (1 - crop) * random.next());
      const aspect = Math.exp(LOG_ASPECT * (2 * random.next() - 1));
      const [high, wide] = [Math.sqrt(area / aspect), Math.sqrt(area * aspect)];
      if (high > height || wide > width) continue;
      const top = random.next() * (height - high);
      const left = random.next() * (width - wide);
      return { top, left, height: high, width: wide, flip: mirrored };
    }
  return { top: 0, left: 0, height, width, flip: mirrored };
}

/** Red, green and blue weights of ITU-R 601 luma. */
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * A change of colours that is the same for every pixel: x ↦ own · x + grey · luma(x) + offset · (mean luma of the image),
 * for pixels x of 0 … 255, clamped to that range.
 */
export interface ColourChange {
  own: number;
  grey: number;
  offset: number;
}

/** Brightness, contrast and saturation by random factors (torchvision's ColorJitter, in that order, clamped once). */
export function randomColourChange(random: RandomGenerator, jitter: number): ColourChange {
  const factor = () => 1 + jitter * (2 * random.next() - 1);
  const [brightness, contrast, saturation] = [factor(), factor(), factor()];
  return {
    own: saturation * contrast * brightness,
    grey: (1 - saturation) * contrast * brightness,
    offset: (1 - contrast) * brightness,
  };
}

/** Writes images of one size into batches: holds the buffers that this needs again and again. */
export interface ImageWriter {
  /** Elements of one written image. */
  size: number;
  /** Writes the whole image, unchanged but for the preprocessing. */
  write(pixels: Uint8Array, target: Float32Array, at: number): void;
  /** Writes a part of the image, scaled up to the whole bilinearly, with its colours changed. */
  writeChanged(
    pixels: Uint8Array,
    target: Float32Array,
    at: number,
    crop: Crop,
    colour: ColourChange | undefined,
  ): void;
}

/** @param layout how the written image lies: `plain` [C, H, W], `channelsLast` [H, W, C]. */
export function imageWriter(preprocessing: Preprocessing, layout: Layout): ImageWriter {
  const [height, width] = preprocessing.size;
  const area = height * width;
  const channels = preprocessing.channels.length;
  const channelsLast = layout === 'channelsLast';
  const pixelStep = channelsLast ? channels : 1;
  const channelStep = channelsLast ? 1 : area;
  const multiply = preprocessing.std.map((std) => preprocessing.scale / std);
  const add = preprocessing.mean.map((mean, channel) => -mean / (preprocessing.std[channel] ?? 1));
  /** Which of red, green and blue each written channel is. */
  const sources = preprocessing.channels === 'BGR' ? [2, 1, 0] : [0, 1, 2];
  const tables = multiply.map((factor, channel) =>
    Float32Array.from({ length: 256 }, (_, x) => x * factor + (add[channel] ?? 0)),
  );

  const image = new Float32Array(area * 3);
  const line = new Float32Array(width * 3);
  const columns = new Int32Array(width);
  const nextColumns = new Int32Array(width);
  const shares = new Float32Array(width);

  const write: ImageWriter['write'] = (pixels, target, at) => {
    if (preprocessing.channels === 'L') {
      const [factor = 1] = multiply;
      const [shift = 0] = add;
      for (let pixel = 0, source = 0; pixel < area; pixel++, source += 3) {
        const luma =
          LUMA[0] * (pixels[source] ?? 0) + LUMA[1] * (pixels[source + 1] ?? 0) + LUMA[2] * (pixels[source + 2] ?? 0);
        target[at + pixel] = luma * factor + shift;
      }
      return;
    }
    for (const [channel, table] of tables.entries()) {
      let out = at + channel * channelStep;
      const last = area * 3;
      for (let source = sources[channel] ?? 0; source < last; source += 3, out += pixelStep)
        target[out] = table[pixels[source] ?? 0] ?? 0;
    }
  };

  /** Fills `image` (RGB) with the scaled crop and returns its mean luma. Pixel centres lie at halves, edges repeat. */
  const resample = (pixels: Uint8Array, crop: Crop): number => {
    const stepX = crop.width / width;
    const stepY = crop.height / height;
    for (let x = 0; x < width; x++) {
      const place = crop.left + ((crop.flip ? width - 1 - x : x) + 0.5) * stepX - 0.5;
      const whole = Math.floor(place);
      columns[x] = 3 * Math.min(Math.max(whole, 0), width - 1);
      nextColumns[x] = 3 * Math.min(Math.max(whole + 1, 0), width - 1);
      shares[x] = place - whole;
    }
    const firstByte = 3 * Math.max(0, Math.floor(crop.left) - 1);
    const endByte = 3 * Math.min(width, Math.ceil(crop.left + crop.width) + 2);
    let [red, green, blue] = [0, 0, 0];
    let out = 0;
    for (let y = 0; y < height; y++) {
      const place = crop.top + (y + 0.5) * stepY - 0.5;
      const whole = Math.floor(place);
      const upper = Math.min(Math.max(whole, 0), height - 1) * width * 3;
      const lower = Math.min(Math.max(whole + 1, 0), height - 1) * width * 3;
      const share = place - whole;
      for (let byte = firstByte; byte < endByte; byte++) {
        const above = pixels[upper + byte] ?? 0;
        line[byte] = above + share * ((pixels[lower + byte] ?? 0) - above);
      }
      for (let x = 0; x < width; x++, out += 3) {
        const left = columns[x] ?? 0;
        const right = nextColumns[x] ?? 0;
        const part = shares[x] ?? 0;
        const r = (line[left] ?? 0) + part * ((line[right] ?? 0) - (line[left] ?? 0));
        const g = (line[left + 1] ?? 0) + part * ((line[right + 1] ?? 0) - (line[left + 1] ?? 0));
        const b = (line[left + 2] ?? 0) + part * ((line[right + 2] ?? 0) - (line[left + 2] ?? 0));
        image[out] = r;
        image[out + 1] = g;
        image[out + 2] = b;
        red += r;
        green += g;
        blue += b;
      }
    }
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue) / area;
  };

  const writeChanged: ImageWriter['writeChanged'] = (pixels, target, at, crop, colour) => {
    const meanLuma = resample(pixels, crop);
    const own = colour?.own ?? 1;
    const grey = colour?.grey ?? 0;
    const offset = (colour?.offset ?? 0) * meanLuma;
    const isGrey = preprocessing.channels === 'L';
    const [redAt, blueAt] = preprocessing.channels === 'BGR' ? [2, 0] : [0, 2];
    const [factor0 = 1, factor1 = 1, factor2 = 1] = multiply;
    const [shift0 = 0, shift1 = 0, shift2 = 0] = add;
    let out = at;
    for (let source = 0; source < area * 3; source += 3, out += pixelStep) {
      const r = image[source] ?? 0;
      const g = image[source + 1] ?? 0;
      const b = image[source + 2] ?? 0;
      const luma = LUMA[0] * r + LUMA[1] * g + LUMA[2] * b;
      if (isGrey) {
        target[out] = clamp((own + grey) * luma + offset) * factor0 + shift0;
        continue;
      }
      const common = grey * luma + offset;
      const first = redAt === 0 ? r : b;
      const last = blueAt === 2 ? b : r;
      target[out] = clamp(own * first + common) * factor0 + shift0;
      target[out + channelStep] = clamp(own * g + common) * factor1 + shift1;
      target[out + 2 * channelStep] = clamp(own * last + common) * factor2 + shift2;
    }
  };

  return { size: area * channels, write, writeChanged };
}

function clamp(pixel: number): number {
  return Math.min(Math.max(pixel, 0), 255);
}
