/** What a pruning criterion answers: how important each channel of each dependency group is. */

import type { Dependencies, Group } from '../analyze/groups.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { float32Data } from '../graph/tensor.js';
import { operatorOf } from '../ops/registry.js';

export interface ScoreContext {
  graph: Graph;
  dependencies: Dependencies;
  seed: number;
  signal: AbortSignal | undefined;
  /**
   * For each element along an axis of a learnt initializer, Σ over batches of (Σ gradient·weight)²; undefined for axes
   * that no group cuts. Only there when the criterion asks for gradients.
   */
  taylor?: TaylorScores | undefined;
}

export type TaylorScores = (initializer: string, axis: number) => Float64Array | undefined;

export interface Criterion {
  /** The name given to `--criterion`. */
  name: string;
  /** What it needs beyond the weights. */
  needs: 'weights' | 'gradients';
  /** Whether scores of different groups can be compared as they are; otherwise they are divided by their group's mean. */
  comparable: boolean;
  /** One score a channel for each group, larger is more important. */
  scores(context: ScoreContext): Promise<Float64Array[]>;
}

/** One value for each element along `axis` of a weight. */
export type ElementScore = (weight: Float32Array, dims: number[], axis: number) => Promise<Float64Array>;

/** Scores of the channels of each group: `score` of the weights that make them, added up over the group's makers. */
export async function scoreMakers({ graph, dependencies }: ScoreContext, score: ElementScore): Promise<Float64Array[]> {
  return Promise.all(
    dependencies.groups.map(async (group) => {
      const total = new Float64Array(group.channels);
      for (const member of group.members) {
        if (member.role !== 'makes') continue;
        const tensor = graph.initializers.get(member.value);
        if (!tensor)
          throw new TascnetError(`Group "${group.id}" names the weight "${member.value}", which the model lacks.`);
        const elements = await score(float32Data(tensor, `Weight "${member.value}"`), tensor.dims, member.axis);
        addToChannels(total, member, elements);
      }
      return total;
    }),
  );
}

/** Adds the values of a member's elements to the channels that own them. */
export function addToChannels(
  total: Float64Array,
  member: Group['members'][number],
  elements: ArrayLike<number>,
): void {
  for (let position = 0; position < member.indices.length; position++) {
    const channel = Math.floor(position / member.perChannel);
    total[channel] = (total[channel] ?? 0) + (elements[member.indices[position] ?? 0] ?? 0);
  }
}

/** The initializers with which batch norms scale and shift (operators with running statistics). */
export function batchNormParameters(graph: Graph): Set<string> {
  return new Set(
    graph.nodes.flatMap((node) => {
      const operator = operatorOf(node);
      return operator?.buffers ? (operator.parameters ?? []).map((position) => node.inputs[position] ?? '') : [];
    }),
  );
}
