/** Labelled samples, images or sentences, as classes and splits. */

import { TascnetError } from '../errors.js';
import { type Sample, SPLITS, type Split } from './dataset.js';
import type { Labelled } from './folder.js';
import { shown } from './scan.js';
import { type Fractions, splitClass } from './split.js';

/** What the samples are, as errors call them. */
export type Noun = 'image' | 'sentence';

/** What holds the samples of one class. */
const HOLDERS: Record<Noun, string> = { image: 'folder', sentence: 'file or folder' };

/**
 * The class names by label: `expected`, or those that are found, sorted.
 * @throws TascnetError when one is unknown, there is only one, or one has nothing to train on.
 */
export function classesOf(
  labelled: readonly Pick<Labelled, 'className' | 'split'>[],
  expected: readonly string[] | undefined,
  root: string,
  noun: Noun,
): string[] {
  const found = [...new Set(labelled.map((entry) => entry.className))].sort();
  // Class names end up in labels.txt, one a line.
  for (const name of found)
    if (/\p{Cc}/u.test(name)) throw new TascnetError(`The class name ${shown(name)} holds a control character.`);
  if (expected) {
    const stranger = found.find((name) => !expected.includes(name));
    if (stranger !== undefined)
      throw new TascnetError(
        `The data ${shown(root)} has ${noun}s of class ${shown(stranger)}, which the model does not know.`,
        { hint: `Its classes are: ${expected.slice(0, 20).join(', ')}${expected.length > 20 ? ', …' : ''}.` },
      );
    return [...expected];
  }
  if (found.length < 2)
    throw new TascnetError(
      `The data ${shown(root)} has only one class (${found.map(shown).join()}); two or more are needed.`,
      {
        hint: `Each ${HOLDERS[noun]} directly in the data folder is a class; perhaps a folder further inside was meant.`,
      },
    );
  const train = new Set(
    labelled.filter((entry) => (entry.split ?? 'train') === 'train').map((entry) => entry.className),
  );
  const untrained = found.find((name) => !train.has(name));
  if (untrained !== undefined)
    throw new TascnetError(`Class ${shown(untrained)} has ${noun}s for validation or test, but none to train on.`);
  return found;
}

/** A sample with the split that its source gives. */
export interface Placed extends Sample {
  split: Split | undefined;
}

/** Takes the splits that are given and carves the others out of train. Each split is sorted by file. */
export function divide(
  samples: readonly Placed[],
  classes: readonly string[],
  fractions: Fractions,
  seed: number,
  noun: Noun,
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
    for (const [split, members] of splitClass(pool, classes[label] ?? '', wanted, fractions, seed, noun))
      for (const member of members) parts[split].push(member);
  }
  for (const split of SPLITS) parts[split].sort((a, b) => (a.file < b.file ? -1 : 1));
  return parts;
}
