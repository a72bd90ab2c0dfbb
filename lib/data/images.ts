/** Opening a set of labelled images: a folder of class folders, split folders, or a CSV. */

import { realpath, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { messageOf, TascnetError } from '../errors.js';
import { concurrently } from './concurrently.js';
import { type Dataset, fingerprintOf, type Skipped } from './dataset.js';
import { type Labelled, readFolder } from './folder.js';
import { readListing } from './listing.js';
import { classesOf, divide, type Placed } from './partition.js';
import { identify, shown } from './scan.js';
import { checkFractions, DEFAULT_FRACTIONS, type Fractions } from './split.js';

export interface OpenImagesOptions {
  /** Seed of the split, where the source gives none. */
  seed: number;
  /** Shares of train, validation and test. Default: 0.7, 0.1, 0.2. */
  fractions?: Fractions | undefined;
  /** The class names by label that a model expects; default: the classes that are found, sorted. */
  classes?: readonly string[] | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Opens `path`: `DIR/class/*.jpg`, `DIR/{train,val,test}/class/*.jpg`, or a CSV `file,label[,split]` given itself or
 * found in DIR as `split.csv`. Splits that the source does not give are carved out of train, by class, with the seed.
 * No image is decoded.
 * @throws TascnetError when nothing is there, a class is empty, there is only one class, a label is not among `classes`,
 * or the CSV is wrong.
 */
export async function openImages(path: string, options: OpenImagesOptions): Promise<Dataset> {
  const fractions = options.fractions ?? DEFAULT_FRACTIONS;
  checkFractions(fractions);
  const skipped: Skipped[] = [];
  const { root, labelled } = await readSource(path, skipped);
  const classes = classesOf(labelled, options.classes, root, 'image');
  const samples = await identified(root, labelled, classes, skipped, options.signal);
  const parts = divide(samples, classes, fractions, options.seed, 'image');
  skipped.sort((a, b) => (a.file < b.file ? -1 : 1));
  return { root, classes, ...parts, skipped, fingerprint: fingerprintOf({ classes, ...parts }) };
}

async function readSource(path: string, skipped: Skipped[]): Promise<{ root: string; labelled: Labelled[] }> {
  const real = await realpath(path).catch((error: unknown) => {
    throw new TascnetError(`The data folder ${shown(path)} does not exist or cannot be reached.`, { cause: error });
  });
  const info = await stat(real);
  if (info.isFile()) {
    if (extname(path).toLowerCase() !== '.csv')
      throw new TascnetError(`The data ${shown(path)} is a file; a folder of class folders or a CSV was expected.`);
    const root = dirname(real);
    return { root, labelled: await readListing(real, root) };
  }
  if (!info.isDirectory()) throw new TascnetError(`The data ${shown(path)} is neither a folder nor a CSV file.`);
  const csv = join(real, 'split.csv');
  const listed = await stat(csv).then(
    (entry) => entry.isFile(),
    () => false,
  );
  return { root: real, labelled: listed ? await readListing(csv, real) : await readFolder(real, skipped) };
}

async function identified(
  root: string,
  labelled: readonly Labelled[],
  classes: readonly string[],
  skipped: Skipped[],
  signal: AbortSignal | undefined,
): Promise<Placed[]> {
  const labels = new Map(classes.map((name, label) => [name, label]));
  const ordered = [...labelled].sort((a, b) => (a.file < b.file ? -1 : 1));
  const placed = await concurrently(
    ordered,
    16,
    async ({ file, className, split }): Promise<Placed[]> => {
      const label = labels.get(className) ?? -1;
      try {
        return [{ file, label, ...(await identify(join(root, file))), split }];
      } catch (error) {
        skipped.push({ file, reason: `it cannot be opened: ${messageOf(error)}` });
        return [];
      }
    },
    signal,
  );
  return placed.flat();
}
