/** What all activations have in common: one input, one output of its type, each element by itself. */

import type * as tfjs from '@tensorflow/tfjs-core';
import {
  elementwiseCost,
  type Operator,
  type Role,
  type RunContext,
  required,
  requiredTensor,
  tieElementwise,
} from './operator.js';

/**
 * An activation: `f` of each element. It counts as one elementwise operation per element, also where a library needs
 * several (a Gelu as much as a LeakyRelu), so that costs compare across implementations.
 */
export function activation(op: string, f: (x: tfjs.Tensor, context: RunContext) => tfjs.Tensor, role?: Role): Operator {
  return {
    op,
    ...(role ? { role: () => role } : {}),
    infer: (context) => {
      const { dtype, dims } = required(context, 0);
      return [{ dtype, dims }];
    },
    run: (context) => [f(requiredTensor(context, 0), context)],
    cost: (shaped) => elementwiseCost(shaped),
    tie: (shaped) => tieElementwise(shaped, 0),
  };
}
