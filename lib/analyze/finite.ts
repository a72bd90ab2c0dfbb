/** Weights that are no numbers: a damaged file, or a training that diverged. */

import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { Tensor } from '../graph/tensor.js';
import { operatorOf } from '../ops/registry.js';

/**
 * The float initializers with elements that should not be there, and how many. Nothing but infinities and zeros, read as no
 * weight by operators that are known, means what it says: the border of a maximum, a mask before a Softmax.
 */
export function nonFinite(graph: Graph): { tensor: string; count: number }[] {
  const found: { tensor: string; count: number }[] = [];
  for (const [tensor, { dtype, data }] of graph.initializers) {
    if (dtype !== 'float32' && dtype !== 'float64') continue;
    // One NaN makes every sum NaN, and infinities stay or become NaN: finite tensors are told at the speed of an addition.
    let sum = 0;
    for (let index = 0; index < data.length; index++) sum += (data[index] as number) * 0;
    if (sum === 0 || (isMask(data) && !isWeight(graph, tensor))) continue;
    let count = 0;
    for (let index = 0; index < data.length; index++) if (!Number.isFinite(data[index])) count++;
    found.push({ tensor, count });
  }
  return found;
}

function isMask(data: Tensor['data']): boolean {
  return data.every((value) => value === 0 || Math.abs(Number(value)) === Number.POSITIVE_INFINITY);
}

function isWeight({ nodes }: Graph, tensor: string): boolean {
  return nodes.some((node) => {
    const operator = operatorOf(node);
    const learnt = [...(operator?.parameters ?? []), ...(operator?.buffers ?? [])];
    return node.inputs.some((name, input) => name === tensor && (!operator || learnt.includes(input)));
  });
}

/** @throws TascnetError naming the first initializer of the model in `path` that holds what it should not. */
export function requireFinite(graph: Graph, path: string): void {
  const [broken] = nonFinite(graph);
  if (!broken) return;
  const values = broken.count === 1 ? '1 value that is' : `${broken.count} values that are`;
  throw new TascnetError(`${path}: weight "${broken.tensor}" has ${values} NaN or infinite.`, {
    hint: 'The file is damaged, or its training diverged: export the model again.',
  });
}
