/** Comparisons and logic: boolean outputs, broadcast from the right. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Dim } from '../graph/graph.js';
import { broadcastDims, followFloats, tieBroadcast, withoutGradient } from './broadcast.js';
import { binaryElements, unaryElements } from './elements.js';
import { type Operator, required, requiredTensor, type Tf, tieElementwise } from './operator.js';

/** `evaluate` gives 1, 0, or undefined where a symbol leaves it open. */
function comparison(
  op: string,
  run: (tf: Tf, a: tfjs.Tensor, b: tfjs.Tensor) => tfjs.Tensor,
  evaluate: (a: Dim, b: Dim) => boolean | undefined,
): Operator {
  return {
    op,
    layout: followFloats,
    infer: (context) => {
      const dims = broadcastDims(context, [required(context, 0).dims, required(context, 1).dims]);
      const elements = binaryElements(context, dims, 'bool', (a, b) => {
        const holds = evaluate(a, b);
        return holds === undefined ? undefined : Number(holds);
      });
      return [{ dtype: 'bool', dims, elements }];
    },
    run: (context) => [
      withoutGradient(context.tf, [requiredTensor(context, 0), requiredTensor(context, 1)], (a, b) =>
        run(context.tf, a, b),
      ),
    ],
    cost: () => [],
    tie: (shaped) => tieBroadcast(shaped),
  };
}

/** The order of two elements, as in a sort. A symbol is an extent: it equals itself and lies above negative numbers. */
function order(a: Dim, b: Dim): number | undefined {
  if (a === b) return 0;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'number') return a < 0 ? -1 : undefined;
  if (typeof b === 'number') return b < 0 ? 1 : undefined;
  return undefined;
}

function ordered(test: (order: number) => boolean): (a: Dim, b: Dim) => boolean | undefined {
  return (a, b) => {
    const difference = order(a, b);
    return difference === undefined ? undefined : test(difference);
  };
}

export const equal = comparison(
  'Equal',
  (tf, a, b) => tf.equal(a, b),
  ordered((o) => o === 0),
);
export const less = comparison(
  'Less',
  (tf, a, b) => tf.less(a, b),
  ordered((o) => o < 0),
);
export const lessOrEqual = comparison(
  'LessOrEqual',
  (tf, a, b) => tf.lessEqual(a, b),
  ordered((o) => o <= 0),
);
export const greater = comparison(
  'Greater',
  (tf, a, b) => tf.greater(a, b),
  ordered((o) => o > 0),
);
export const greaterOrEqual = comparison(
  'GreaterOrEqual',
  (tf, a, b) => tf.greaterEqual(a, b),
  ordered((o) => o >= 0),
);

function logic(test: (a: boolean, b: boolean) => boolean): (a: Dim, b: Dim) => boolean | undefined {
  return (a, b) => (typeof a === 'number' && typeof b === 'number' ? test(a !== 0, b !== 0) : undefined);
}

export const and = comparison(
  'And',
  (tf, a, b) => tf.logicalAnd(a, b),
  logic((a, b) => a && b),
);
export const or = comparison(
  'Or',
  (tf, a, b) => tf.logicalOr(a, b),
  logic((a, b) => a || b),
);

export const not: Operator = {
  op: 'Not',
  infer: (context) => [
    { dtype: 'bool', dims: required(context, 0).dims, elements: unaryElements(context, (x) => Number(x === 0)) },
  ],
  run: (context) => [withoutGradient(context.tf, [requiredTensor(context, 0)], (x) => context.tf.logicalNot(x))],
  cost: () => [],
  tie: (shaped) => tieElementwise(shaped, 0),
};
