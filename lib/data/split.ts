/** The seeded, stratified split: every class is divided in the same proportions. */

import { TascnetError } from '../errors.js';
import { randomGenerator } from '../graph/random.js';
import { SPLITS, type Split } from './dataset.js';

/** Shares of the samples; they sum to 1. */
export type Fractions = Record<Split, number>;

export const DEFAULT_FRACTIONS: Fractions = { train: 0.7, validation: 0.1, test: 0.2 };

/** @throws TascnetError unless the fractions are at least 0, train is more, and they sum to 1. */
export function checkFractions(fractions: Fractions): void {
  const values = SPLITS.map((split) => fractions[split]);
  const sum = values.reduce((total, value) => total + value, 0);
  if (!values.every((value) => value >= 0) || fractions.train <= 0 || Math.abs(sum - 1) > 1e-6)
    throw new TascnetError(
      `The split fractions ${values.join(' / ')} (train / validation / test) should be positive and sum to 1.`,
    );
}

/**
 * Divides the members of one class among `wanted` splits. Every split with a share gets at least one member; beyond
 * that, each but train has its exact share rounded. The result depends on the seed, the class name and the members
 * alone, so that other classes may grow without moving these.
 * @param members in an order that does not depend on the machine.
 * @throws TascnetError when there are fewer members than splits.
 */
export function splitClass<T>(
  members: readonly T[],
  className: string,
  wanted: readonly Split[],
  fractions: Fractions,
  seed: number,
  noun = 'image',
): Map<Split, T[]> {
  const shares = wanted.filter((split) => split === 'train' || fractions[split] > 0);
  if (members.length < shares.length)
    throw new TascnetError(
      `Class ${JSON.stringify(className)} has ${members.length} ${noun}${members.length === 1 ? '' : 's'}, too few to give one each to ${shares.join(', ')}.`,
      { hint: `Add ${noun}s to it, or remove the class.` },
    );
  const total = shares.reduce((sum, split) => sum + fractions[split], 0);
  const shuffled = randomGenerator(seed, 'split', className).shuffle([...members]);
  const parts = new Map<Split, T[]>();
  let left = shuffled.length;
  for (const [index, split] of shares.toReversed().entries()) {
    const waiting = shares.length - 1 - index;
    const exact = Math.round((members.length * fractions[split]) / total);
    const count = waiting === 0 ? left : Math.min(Math.max(exact, 1), left - waiting);
    parts.set(split, shuffled.slice(left - count, left));
    left -= count;
  }
  return parts;
}
