import { geometricMedian } from '../../native.js';
import { type Criterion, scoreMakers } from '../criterion.js';

/** Σ of the distances to all other filters: the one nearest the geometric median is replaceable (He et al. 2019, FPGM). */
export const fpgm: Criterion = {
  name: 'fpgm',
  needs: 'weights',
  comparable: false,
  scores: (context) =>
    scoreMakers(context, (weight, dims, axis) => geometricMedian(weight, dims, axis, { signal: context.signal })),
};
