/** The initializers that lose elements, cut in one call of the addon. */

import type { AxisChannels } from '../analyze/channels.js';
import type { Graph } from '../graph/graph.js';
import type { Tensor } from '../graph/tensor.js';
import { type AxisCut, applySurgery } from '../native.js';

/** For an axis (`keyOf`), the elements that are added to others: [from, into], in terms of the original. */
export type Merges = ReadonlyMap<string, readonly (readonly [number, number])[]>;

export interface TensorCut {
  name: string;
  tensor: Exclude<Tensor, { dtype: 'string' }>;
  axes: AxisCut[];
  /** After the cut. */
  dims: number[];
}

/** @param kept for every axis that is cut (`keyOf`), the elements that stay. @param axes those that groups cut, by `keyOf`. */
export function tensorCuts(
  graph: Graph,
  kept: ReadonlyMap<string, Int32Array>,
  axes: ReadonlyMap<string, AxisChannels>,
  merges: Merges,
): TensorCut[] {
  const cuts = new Map<string, TensorCut>();
  for (const [key, { value, axis }] of axes) {
    const keep = kept.get(key);
    const tensor = graph.initializers.get(value);
    if (!keep || !tensor || tensor.dtype === 'string') continue;
    const cut = cuts.get(value) ?? { name: value, tensor, axes: [], dims: [...tensor.dims] };
    cuts.set(value, cut);
    const merge = merges.get(key);
    cut.axes.push(merge ? { axis, keep, merge } : { axis, keep });
    cut.dims[axis] = keep.length;
  }
  return [...cuts.values()];
}

/** The cut tensors by name. */
export async function cutTensors(cuts: readonly TensorCut[]): Promise<Map<string, Tensor>> {
  const results = await applySurgery(cuts.map(({ tensor, axes }) => ({ data: tensor.data, dims: tensor.dims, axes })));
  return new Map(
    cuts.map(({ name, tensor, dims }, index) => [name, { dtype: tensor.dtype, dims, data: results[index] } as Tensor]),
  );
}
