/** A labelled set of files, split into train, validation and test. */

import { createHash } from 'node:crypto';

export interface Sample {
  /** Relative to the dataset's root, with `/` between folders. */
  file: string;
  /** Index into the dataset's classes. */
  label: number;
  /** Size in bytes and a digest of the first and last 4 KiB: tells one content from another, wherever it lies. */
  content: string;
  /** Time of the last change, in milliseconds since 1970. */
  modified: number;
}

export const SPLITS = ['train', 'validation', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/** A file that is not used, and why, as a part of a sentence. */
export interface Skipped {
  file: string;
  reason: string;
}

export interface Dataset extends Record<Split, Sample[]> {
  /** Absolute path of the folder that the files are relative to. */
  root: string;
  /** Class names by label; sorted, unless the caller gave them. */
  classes: string[];
  skipped: Skipped[];
  /** SHA-256 (hex) of classes, files, contents, labels and splits; the folder's place and file times do not matter. */
  fingerprint: string;
}

export function fingerprintOf(dataset: Omit<Dataset, 'fingerprint' | 'root' | 'skipped'>): string {
  const hash = createHash('sha256').update(JSON.stringify(dataset.classes));
  for (const split of SPLITS)
    for (const { file, label, content } of dataset[split])
      hash.update(`\n${JSON.stringify([split, file, label, content])}`);
  return hash.digest('hex');
}

/** How many training samples each class has. */
export function classCounts(dataset: Pick<Dataset, 'classes' | 'train'>): number[] {
  const counts = new Array<number>(dataset.classes.length).fill(0);
  for (const { label } of dataset.train) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/**
 * Loss weights that make every class count alike, whatever its number of training samples: samples / (classes × samples
 * of the class), as scikit-learn's `balanced` (King and Zeng, 2001). A class without training samples gets 0.
 * @returns one weight for each class.
 */
export function classWeights(dataset: Pick<Dataset, 'classes' | 'train'>): Float32Array {
  const counts = classCounts(dataset);
  const present = counts.filter((count) => count > 0).length;
  return Float32Array.from(counts, (count) => (count === 0 ? 0 : dataset.train.length / (present * count)));
}
