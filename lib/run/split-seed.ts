/** Which samples a model was not trained on follows from the seed that split the data. */

import { seedFrom } from '../data/preprocessing.js';
import type { Graph } from '../graph/graph.js';
import type { Hooks } from './hooks.js';

/** Warns where a model was made with another seed: what are test samples now may have been training samples then. */
export function tellOfOtherSeed({ metadata }: Graph, path: string, seed: number, hooks: Hooks): void {
  const own = seedFrom(metadata);
  if (own === undefined || own === seed) return;
  hooks.onEvent({
    kind: 'warning',
    message: `${path} was made with --seed ${own}, but the test samples are those of ${seed}: where the data do not say themselves which they are, it has learnt from some of them.`,
  });
}
