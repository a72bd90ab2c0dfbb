import { lamp as lampScores } from '../../native.js';
import { type Criterion, scoreMakers } from '../criterion.js';

/**
 * Layer-adaptive magnitude (Lee et al. 2021, LAMP): the squared norm of a filter over the sum of those of its layer that
 * are at least as large, comparable between layers.
 */
export const lamp: Criterion = {
  name: 'lamp',
  needs: 'weights',
  comparable: true,
  scores: (context) =>
    scoreMakers(context, (weights) =>
      Promise.all(weights.map(({ data, dims, axis }) => lampScores(data, dims, axis, { signal: context.signal }))),
    ),
};
