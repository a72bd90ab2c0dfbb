/** What a pruning criterion answers: how important each channel of each dependency group is. */

import { isIdentity } from '../analyze/consecutive.js';
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
  /** How the values of a channel's several elements become its score; default: `sum`. */
  reduce?: Reduction | undefined;
}

/** Over the weights that a dependency group ties, and over a channel's several elements in one of them. */
export const REDUCTIONS = ['sum', 'mean', 'max'] as const;
export type Reduction = (typeof REDUCTIONS)[number];

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

/** For each weight, one value for each element along its axis. */
export type ElementScores = (weights: readonly MadeBy[]) => Promise<Float64Array[]>;

/** A weight and its axis along which it makes channels. */
export interface MadeBy {
  data: Float32Array;
  dims: number[];
  axis: number;
}

/** Scores of the channels of each group: `score` of the weights that make them, as one over the group's makers. */
export async function scoreMakers(
  { graph, dependencies, reduce }: ScoreContext,
  score: ElementScores,
): Promise<Float64Array[]> {
  const makers = dependencies.groups.map((group) => ({
    group,
    members: group.members.filter(({ role }) => role === 'makes'),
  }));
  const weights = makers.flatMap(({ group, members }) =>
    members.map(({ value, axis }): MadeBy => {
      const tensor = graph.initializers.get(value);
      if (!tensor) throw new TascnetError(`Group "${group.id}" names the weight "${value}", which the model lacks.`);
      return { data: float32Data(tensor, `Weight "${value}"`), dims: tensor.dims, axis };
    }),
  );
  const scores = (await score(weights)).values();
  return makers.map(({ group, members }) => {
    const parts = members.map((member): Part => ({ member, values: scores.next().value ?? [] }));
    return channelScores(group, parts, reduce);
  });
}

/** Values of the elements along a member's axis. */
export interface Part {
  member: Group['members'][number];
  values: ArrayLike<number>;
}

/** One score a channel, of the values of its elements; 0 where it has none. */
export function channelScores({ channels }: Group, parts: readonly Part[], reduce: Reduction = 'sum'): Float64Array {
  const [first, ...others] = parts;
  if (first && others.length === 0 && isOwnScore(first)) return new Float64Array(first.values);
  const total = new Float64Array(channels).fill(reduce === 'max' ? Number.NEGATIVE_INFINITY : 0);
  let elements = 0;
  for (const { member, values } of parts) {
    const { indices, perChannel } = member;
    elements += perChannel;
    for (let channel = 0, position = 0; channel < channels; channel++)
      for (let part = 0; part < perChannel; part++, position++) {
        const so = total[channel] ?? 0;
        const value = values[indices[position] ?? 0] ?? 0;
        total[channel] = reduce === 'max' ? Math.max(so, value) : so + value;
      }
  }
  if (elements === 0) return total.fill(0);
  return reduce === 'mean' ? total.map((sum) => sum / elements) : total;
}

/** Whether each channel has one element, and in the order of the channels. */
function isOwnScore({ member: { indices, perChannel }, values }: Part): boolean {
  return perChannel === 1 && indices.length === values.length && isIdentity(indices);
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
