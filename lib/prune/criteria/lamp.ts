import { norms } from '../../native.js';
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
    scoreMakers(context, async (weight, dims, axis) => {
      const squares = await norms(weight, dims, axis, 'sumSquares', { signal: context.signal });
      const ascending = [...squares.keys()].sort((a, b) => (squares[a] ?? 0) - (squares[b] ?? 0));
      const scores = new Float64Array(squares.length);
      let larger = 0;
      for (const index of ascending.reverse()) {
        larger += squares[index] ?? 0;
        scores[index] = larger > 0 ? (squares[index] ?? 0) / larger : 0;
      }
      return scores;
    }),
};
