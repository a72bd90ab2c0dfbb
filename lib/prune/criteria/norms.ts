import { normsOfAll } from '../../native.js';
import { type Criterion, scoreMakers } from '../criterion.js';

/** Σ|w| of a filter (Li et al. 2017, Pruning Filters for Efficient ConvNets). */
export const l1: Criterion = {
  name: 'l1',
  needs: 'weights',
  comparable: false,
  scores: (context) => scoreMakers(context, (weights) => normsOfAll(weights, 'l1', { signal: context.signal })),
};

/** The Euclidean norm of a filter. */
export const l2: Criterion = {
  name: 'l2',
  needs: 'weights',
  comparable: false,
  scores: (context) => scoreMakers(context, (weights) => normsOfAll(weights, 'l2', { signal: context.signal })),
};

/** The largest |w| of a filter. */
export const lInfinity: Criterion = {
  name: 'linf',
  needs: 'weights',
  comparable: false,
  scores: (context) => scoreMakers(context, (weights) => normsOfAll(weights, 'linf', { signal: context.signal })),
};
