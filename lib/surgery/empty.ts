/** Channels that can all go: those of a value that only concatenations with other values need. */

import { roleOf } from '../analyze/blocks.js';
import type { AxisChannels } from '../analyze/channels.js';
import type { Dependencies } from '../analyze/groups.js';
import { keyOf } from '../analyze/relations.js';
import type { Graph } from '../graph/graph.js';

/**
 * The groups that hold the channels of `values`, where all of them can be removed together.
 * @returns ids of groups; undefined when something other than a concatenation would be left without channels.
 */
export function emptiable(
  graph: Graph,
  { groups, axes, shapes }: Dependencies,
  values: readonly string[],
): string[] | undefined {
  const chosen = new Set<number>();
  for (const value of values) {
    const axis = axes.get(keyOf({ value, axis: 1 }));
    if (!axis?.group.every((group) => group >= 0)) return undefined;
    for (const group of axis.group) chosen.add(group);
  }
  const inChosen = (axis: AxisChannels) => axis.group.every((group) => chosen.has(group));
  const empty = new Set([...axes.values()].filter(inChosen).map(({ value }) => value));
  if (!values.every((value) => empty.has(value)) || graph.outputs.some(({ name }) => empty.has(name))) return undefined;
  for (const node of graph.nodes) {
    const lost = node.inputs.filter((name) => empty.has(name) && !graph.initializers.has(name));
    if (lost.length === 0 || node.outputs.every((name) => empty.has(name))) continue;
    if (roleOf({ graph, shapes }, node) !== 'concatenation' || lost.length === node.inputs.length) return undefined;
  }
  return [...chosen].map((number) => groups[number]?.id ?? '');
}
