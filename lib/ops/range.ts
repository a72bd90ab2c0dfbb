import { engineType } from './cast.js';
import { requiredNumbers, rounded } from './elements.js';
import { MAX_KNOWN_ELEMENTS, mismatch, type Operator, required } from './operator.js';

function countOf(start: number, limit: number, delta: number): number {
  return Math.max(0, Math.ceil((limit - start) / delta));
}

/** Range: start, start + delta, … below limit (above it, where delta is negative). */
export const range: Operator = {
  op: 'Range',
  layout: 'plain',
  infer: (context) => {
    const { dtype } = required(context, 0);
    const [start, limit, delta] = [0, 1, 2].map((index) => required(context, index).elements?.[0]);
    if (delta === 0) throw mismatch(context.node, 'delta is 0.');
    // 0, 1, … below a symbol has that symbol as its extent.
    if (start === 0 && delta === 1 && typeof limit === 'string') return [{ dtype, dims: [limit] }];
    if (typeof start !== 'number' || typeof limit !== 'number' || typeof delta !== 'number')
      return [{ dtype, dims: [context.unknown()] }];
    const count = countOf(start, limit, delta);
    const elements =
      count <= MAX_KNOWN_ELEMENTS
        ? Array.from({ length: count }, (_, index) => rounded(start + index * delta, dtype))
        : undefined;
    return [{ dtype, dims: [count], elements }];
  },
  run: (context) => {
    const [start = 0, limit = 0, delta = 1] = [0, 1, 2].map((index) => requiredNumbers(context, index)[0]);
    const values = Array.from({ length: countOf(start, limit, delta) }, (_, index) => start + index * delta);
    return [context.tf.tensor1d(values, engineType(required(context, 0).dtype))];
  },
  cost: () => [],
  tie: ({ node }) => [
    { kind: 'pin', at: { value: node.outputs[0] ?? '', axis: 0 }, reason: 'it counts up to a given number' },
  ],
};
