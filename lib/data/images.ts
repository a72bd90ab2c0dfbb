/** Opening a set of labelled images: a folder of class folders, split folders, or a CSV. */

import { realpath, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { messageOf, TascnetError } from '../errors.js';
import { concurrently } from './concurrently.js';
import { type Dataset, fingerprintOf, type Sample, type Skipped, SPLITS, type Split } from './dataset.js';
import { type Labelled, readFolder } from './folder.js';
import { readListing } from './listing.js';
import { identify, shown } from './scan.js';
import { checkFractions, DEFAULT_FRACTIONS, type Fractions, splitClass } from './split.js';

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
  const classes = classesOf(labelled, options.classes, root);
  const samples = await identified(root, labelled, classes, skipped, options.signal);
  const parts = divide(samples, classes, fractions, options.seed);
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

function classesOf(labelled: readonly Labelled[], expected: readonly string[] | undefined, root: string): string[] {
  const found = [...new Set(labelled.map((entry) => entry.className))].sort();
  // Class names end up in labels.txt, one a line.
  for (const name of found)
    if (/\p{Cc}/u.test(name)) throw new TascnetError(`The class name ${shown(name)} holds a control character.`);
  if (expected) {
    const stranger = found.find((name) => !expected.includes(name));
    if (stranger !== undefined)
      throw new TascnetError(
        `The data ${shown(root)} has images of class ${shown(stranger)}, which the model does not know.`,
        { hint: `Its classes are: ${expected.slice(0, 20).join(', ')}${expected.length > 20 ? ', …' : ''}.` },
      );
    return [...expected];
  }
  if (found.length < 2)
    throw new TascnetError(
      `The data ${shown(root)} has only one class (${found.map(shown).join()}); two or more are needed.`,
      { hint: 'Each folder directly in the data folder is a class; perhaps a folder further inside was meant.' },
    );
  const train = new Set(
    labelled.filter((entry) => (entry.split ?? 'train') === 'train').map((entry) => entry.className),
  );
  const untrained = found.find((name) => !train.has(name));
  if (untrained !== undefined)
    throw new TascnetError(`Class ${shown(untrained)} has images for validation or test, but none to train on.`);
  return found;
}

interface Placed extends Sample {
  split: Split | undefined;
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

/** Takes the splits that are given and carves the others out of train. Each split is sorted by file. */
function divide(
  samples: readonly Placed[],
  classes: readonly string[],
  fractions: Fractions,
  seed: number,
): Record<Split, Sample[]> {
  const parts: Record<Split, Sample[]> = { train: [], validation: [], test: [] };
  const given = new Set(samples.map((sample) => sample.split ?? 'train'));
  const wanted: Split[] = SPLITS.filter((split) => split === 'train' || !given.has(split));
  const pools: Sample[][] = classes.map(() => []);
  for (const { split, ...sample } of samples) {
    if (split === undefined || split === 'train') pools[sample.label]?.push(sample);
    else parts[split].push(sample);
  }
  for (const [label, pool] of pools.entries()) {
    if (pool.length === 0) continue;
    for (const [split, members] of splitClass(pool, classes[label] ?? '', wanted, fractions, seed))
      parts[split].push(...members);
  }
  for (const split of SPLITS) parts[split].sort((a, b) => (a.file < b.file ? -1 : 1));
  return parts;
}
