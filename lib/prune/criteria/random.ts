import { randomGenerator } from '../../graph/random.js';
import type { Criterion } from '../criterion.js';

/** Chance, as the yardstick that every other criterion has to beat. */
export const random: Criterion = {
  name: 'random',
  needs: 'weights',
  comparable: true,
  scores: async ({ dependencies, seed }) =>
    dependencies.groups.map((group) => {
      const generator = randomGenerator(`${seed}/${group.id}`);
      return Float64Array.from({ length: group.channels }, () => generator.next());
    }),
};
