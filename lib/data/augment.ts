/** Random changes of images: parts, mirror images, colours. */

import { TascnetError } from '../errors.js';
import type { RandomGenerator } from '../graph/random.js';

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
