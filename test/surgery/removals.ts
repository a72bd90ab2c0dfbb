/** Channels to remove, chosen by chance or by the size of the weights that make them. */

import type { Group } from '../../lib/analyze/groups.js';
import type { Graph } from '../../lib/graph/graph.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { float32Data, sizeOf } from '../../lib/graph/tensor.js';
import type { Removal } from '../../lib/surgery/remove.js';

type Ranking = (group: Group) => number[];

/** `ratio` of the channels of each group, the first of its ranking; at least one stays. */
function removals(groups: readonly Group[], ratio: number, ranking: Ranking): Map<string, Removal> {
  return new Map(
    groups.map((group): [string, Removal] => {
      const count = Math.min(group.channels - 1, Math.round(group.channels * ratio));
      return [group.id, { channels: ranking(group).slice(0, count) }];
    }),
  );
}

export function randomRemovals(groups: readonly Group[], ratio: number, seed: number): Map<string, Removal> {
  const random = randomGenerator('removals', seed);
  return removals(groups, ratio, ({ channels }) => random.shuffle([...Array(channels).keys()]));
}

/** Those first whose filters have the least summed magnitude. */
export function smallestRemovals(graph: Graph, groups: readonly Group[], ratio: number): Map<string, Removal> {
  return removals(groups, ratio, (group) => {
    const norms = new Float64Array(group.channels);
    for (const { value, axis, indices, perChannel, role } of group.members) {
      const tensor = graph.initializers.get(value);
      if (role !== 'makes' || !tensor) continue;
      const data = float32Data(tensor, value);
      const extent = tensor.dims[axis] ?? 1;
      const inner = sizeOf(tensor.dims.slice(axis + 1));
      const owner = new Map(Array.from(indices, (element, at) => [element, Math.floor(at / perChannel)]));
      data.forEach((weight, at) => {
        const channel = owner.get(Math.floor(at / inner) % extent);
        if (channel !== undefined) norms[channel] = (norms[channel] ?? 0) + Math.abs(weight);
      });
    }
    return [...norms.keys()].sort((a, b) => (norms[a] ?? 0) - (norms[b] ?? 0));
  });
}
