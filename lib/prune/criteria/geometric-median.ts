import { geometricMedian } from '../../native.js';
import { type Criterion, scoreMakers } from '../criterion.js';

/** Σ of the distances to all other filters: the one nearest the geometric median is replaceable (He et al. 2019, FPGM). */
export const fpgm: Criterion = {
  name: 'fpgm',
  needs: 'weights',
  comparable: false,
  scores: (context) =>
    scoreMakers(context, (weights) =>
      Promise.all(weights.map(({ data, dims, axis }) => geometricMedian(data, dims, axis, { signal: context.signal }))),
    ),
};
