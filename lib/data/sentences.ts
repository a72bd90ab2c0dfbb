/** Opening a set of labelled sentences: files of lines, folders of documents, or a CSV. */

import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { TascnetError } from '../errors.js';
import { type Dataset, fingerprintOf, type Sample, type Skipped, type Split } from './dataset.js';
import { classesOf, divide, type Placed } from './partition.js';
import { shown } from './scan.js';
import { checkFractions, DEFAULT_FRACTIONS, type Fractions } from './split.js';
import { isTable, type LabelledText, readTextFolder, readTextTable } from './text-folder.js';

export interface OpenSentencesOptions {
  /** Seed of the split, where the source gives none. */
  seed: number;
  /** Shares of train, validation and test. Default: 0.7, 0.1, 0.2. */
  fractions?: Fractions | undefined;
  /** The class names by label that a model expects; default: the classes that are found, sorted. */
  classes?: readonly string[] | undefined;
  onWarning?: ((message: string) => void) | undefined;
}

export interface Sentences {
  /** Each sample's `file` is where its text stands: `neg.txt:12`, a file, or a row of a table. */
  dataset: Dataset;
  /** The texts of a split, in the order of its samples. */
  texts: (split: Split) => string[];
}

/**
 * Opens `path`: `DIR/class.txt` with a sentence a line, `DIR/class/*.txt`, either below `DIR/{train,val,test}/`, a CSV or TSV
 * `text,label[,split]`, or DIR with `train.csv`, `val.csv` and `test.csv`. Splits that the source does not give are carved
 * out of train, by class, with the seed.
 * @throws TascnetError when nothing is there, there is only one class, a label is not among `classes`, or a file is no text.
 */
export async function openSentences(path: string, options: OpenSentencesOptions): Promise<Sentences> {
  const fractions = options.fractions ?? DEFAULT_FRACTIONS;
  checkFractions(fractions);
  const skipped: Skipped[] = [];
  const { root, labelled } = await readSource(path, skipped, options.onWarning ?? (() => undefined));
  const classes = classesOf(labelled, options.classes, root, 'sentence');
  const labels = new Map(classes.map((name, label) => [name, label]));
  const byPlace = new Map(labelled.map(({ file, text }) => [file, text]));
  const placed = labelled.map(
    ({ file, className, split, text }): Placed => ({
      file,
      label: labels.get(className) ?? -1,
      content: createHash('sha256').update(text).digest('hex').slice(0, 32),
      modified: 0,
      split,
    }),
  );
  const parts = divide(placed, classes, fractions, options.seed, 'sentence');
  const dataset = { root, classes, ...parts, skipped, fingerprint: fingerprintOf({ classes, ...parts }) };
  return { dataset, texts: (split) => dataset[split].map(({ file }: Sample) => byPlace.get(file) ?? '') };
}

async function readSource(
  path: string,
  skipped: Skipped[],
  onWarning: (message: string) => void,
): Promise<{ root: string; labelled: LabelledText[] }> {
  const real = await realpath(path).catch((error: unknown) => {
    throw new TascnetError(`The data ${shown(path)} does not exist or cannot be reached.`, { cause: error });
  });
  const info = await stat(real);
  if (info.isDirectory()) return { root: real, labelled: await readTextFolder({ root: real, skipped, onWarning }) };
  if (!info.isFile() || !isTable(real))
    throw new TascnetError(`The data ${shown(path)} is neither a folder nor a CSV or TSV file.`, {
      hint: 'Sentences in a file for each class lie in a folder: DIR/class.txt.',
    });
  const root = dirname(real);
  return { root, labelled: await readTextTable({ root }, basename(real), undefined) };
}
