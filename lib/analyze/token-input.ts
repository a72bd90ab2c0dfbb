/** Whether a model reads texts. */

import type { Graph, ValueInfo } from '../graph/graph.js';

/** The input of token ids of a model that takes nothing else: whole numbers, [batch, tokens]. */
export function tokenInput({ inputs }: Graph): ValueInfo | undefined {
  const [input, second] = inputs;
  const isIds = input?.dtype === 'int64' || input?.dtype === 'int32';
  return isIds && input.dims?.length === 2 && !second ? input : undefined;
}
