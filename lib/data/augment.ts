/** Random changes of images: places, parts, mirror images, colours. */

import { TascnetError } from '../errors.js';
import type { RandomGenerator } from '../graph/random.js';

export interface Augmentation {
  /** Mirrors half of the images left to right. Not for digits, letters or anything whose mirror image means something else. */
  flip: boolean;
  /** How far an image may be moved along each axis, as a share of its extent, in [0, 1); its edge fills what becomes free. */
  shift: number;
  /** The smallest share of the area that a random crop keeps, in (0, 1]; 1 takes the whole image. */
  crop: number;
  /** How far brightness, contrast and saturation may change, each by a factor within 1 ± jitter; 0 leaves them. */
  jitter: number;
}

export type AugmentationLevel = 'none' | 'shift' | 'light' | 'full';

const LEVELS: Record<AugmentationLevel, Augmentation> = {
  none: { flip: false, shift: 0, crop: 1, jitter: 0 },
  // Half of what is usual for CIFAR (4 of 32 pixels, He et al. 2016, section 4.2): more is too much for small networks.
  shift: { flip: false, shift: 1 / 16, crop: 1, jitter: 0 },
  light: { flip: true, shift: 0, crop: 0.7, jitter: 0.1 },
  full: { flip: true, shift: 0, crop: 0.35, jitter: 0.3 },
};

/** How much a student's samples are varied: the teacher says what it sees in each view (Beyer et al., arXiv 2106.05237). */
export function levelOfStudent(level: AugmentationLevel): AugmentationLevel {
  return level === 'light' ? 'full' : level;
}

/** @throws TascnetError when a number is out of its range. */
export function augmentationOf(choice: AugmentationLevel | Augmentation): Augmentation {
  const { flip, shift, crop, jitter } = typeof choice === 'string' ? LEVELS[choice] : choice;
  if (!(shift >= 0 && shift < 1)) throw new TascnetError(`The shift of ${shift} should be from 0 to under 1.`);
  if (shift > 0 && crop < 1)
    throw new TascnetError('An image is either moved or cropped: crop should be 1 or shift 0.');
  if (!(crop > 0 && crop <= 1)) throw new TascnetError(`The crop of ${crop} should be over 0 and at most 1.`);
  if (!(jitter >= 0 && jitter < 1)) throw new TascnetError(`The jitter of ${jitter} should be from 0 to under 1.`);
  return { flip, shift, crop, jitter };
}

export function changesImages({ flip, shift, crop, jitter }: Augmentation): boolean {
  return flip || shift > 0 || crop < 1 || jitter > 0;
}

/** A rectangle of the source, in pixels, not necessarily whole, nor within it: what lies outside is as the edge next to it. */
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

/**
 * A random crop: area uniform in [smallest, 1] of the image, its sides' shares of the image's at a ratio log-uniform in
 * [3/4, 4/3], place uniform; then moved by up to `shift` of the image's height and width, rounded to whole pixels. The same
 * draws see the same part of an image at whatever height and width it is read.
 */
export function randomCrop(random: RandomGenerator, height: number, width: number, augmentation: Augmentation): Crop {
  const { shift } = augmentation;
  const { top, left, high, wide, flip } = cropOfUnit(random, augmentation);
  // Between whole pixels an image would be blurred, which those to be classified are not.
  const moved = (extent: number) => (shift > 0 ? Math.round(extent * shift * (2 * random.next() - 1)) : 0);
  return {
    top: top * height + moved(height),
    left: left * width + moved(width),
    height: high * height,
    width: wide * width,
    flip,
  };
}

/** Of an image whose sides are 1. */
function cropOfUnit(random: RandomGenerator, { flip, crop }: Augmentation) {
  const mirrored = flip && random.next() < 0.5;
  if (crop < 1)
    for (let attempt = 0; attempt < CROP_ATTEMPTS; attempt++) {
      const area = crop + (1 - crop) * random.next();
      const aspect = Math.exp(LOG_ASPECT * (2 * random.next() - 1));
      const [high, wide] = [Math.sqrt(area / aspect), Math.sqrt(area * aspect)];
      if (high > 1 || wide > 1) continue;
      const top = random.next() * (1 - high);
      const left = random.next() * (1 - wide);
      return { top, left, high, wide, flip: mirrored };
    }
  return { top: 0, left: 0, high: 1, wide: 1, flip: mirrored };
}

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
