/** Weights that are no numbers: a damaged file, or a training that diverged. */

import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { learnableInitializers } from './learnable.js';

/**
 * The float initializers with elements that should not be there, and how many: NaN anywhere, infinities in what is learnt.
 * In constants of the architecture infinities mean what they say: the padding of a maximum, a mask before a Softmax.
 */
export function nonFinite(graph: Graph): { tensor: string; count: number }[] {
  const suspects: string[] = [];
  for (const [name, { dtype, data }] of graph.initializers) {
    if (dtype !== 'float32' && dtype !== 'float64') continue;
    // One NaN makes every sum NaN, and infinities stay or become NaN: finite tensors are told at the speed of an addition.
    let sum = 0;
    for (let index = 0; index < data.length; index++) sum += (data[index] as number) * 0;
    if (sum !== 0) suspects.push(name);
  }
  if (suspects.length === 0) return [];
  const { parameters, buffers } = learnableInitializers(graph);
  return suspects.flatMap((tensor) => {
    const learnt = parameters.has(tensor) || buffers.has(tensor);
    const count = countOf(graph.initializers.get(tensor)?.data ?? [], learnt ? isNotFinite : Number.isNaN);
    return count > 0 ? [{ tensor, count }] : [];
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

function isNotFinite(value: number): boolean {
  return !Number.isFinite(value);
}

function countOf(data: ArrayLike<unknown>, wrong: (value: number) => boolean): number {
  let count = 0;
  for (let index = 0; index < data.length; index++) if (wrong(data[index] as number)) count++;
  return count;
}
