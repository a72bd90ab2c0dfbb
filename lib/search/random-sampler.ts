/** Points without regard to what was found: quasi-random to begin with, or uniformly at random. */

import { randomGenerator } from '../graph/random.js';
import { haltonSequence } from './halton.js';
import { type Sampler, unseenFrom } from './sampler.js';

const PROPOSALS = 16;

/** Uniformly at random. */
export const randomSampler: Sampler = (context) => {
  const random = randomGenerator(context.seed, 'random', context.number);
  const draw = () => Float64Array.from(context.space, () => random.next());
  return unseenFrom(context, random, PROPOSALS, draw);
};

/** The points of a scrambled Halton sequence, one trial after the other. */
export const quasiRandomSampler: Sampler = (context) => {
  const random = randomGenerator(context.seed, 'quasi-random');
  const sequence = haltonSequence(context.space.length, random);
  return unseenFrom(context, random.fork(context.number), PROPOSALS, (attempt) =>
    attempt === 0
      ? sequence(context.number)
      : Float64Array.from(context.space, (_, index) => random.fork(context.number, attempt, index).next()),
  );
};
