/** What a model is made of and what of it can be removed: the facts behind `tascnet inspect`. */

import type { Dim, Graph, ValueInfo } from '../graph/graph.js';
import { costOf } from './cost.js';
import { nonFinite } from './finite.js';
import { dependencyGroups } from './groups.js';

export interface Inspection {
  /** The model's name. */
  model: string;
  /** Elements of the learnt initializers. */
  parameters: number;
  /** Multiply-adds of one sample. */
  macs: number;
  inputs: { name: string; dtype: string; shape: Dim[] | null }[];
  outputs: { name: string; dtype: string; shape: Dim[] | null }[];
  nodes: {
    name: string;
    op: string;
    /** Of the first output; null where it cannot be told. */
    shape: Dim[] | null;
    parameters: number;
    macs: number;
  }[];
  /** What lives and dies together, channel by channel. */
  groups: { id: string; channels: number; members: { tensor: string; axis: number }[] }[];
  /** Weights whose channels cannot be removed. */
  pinned: { node: string; reason: string }[];
  /** Nodes that tell nothing of their outputs, such as those of an operator that is not known. */
  unknown: { node: string; reason: string }[];
  /** Initializers that hold NaN or infinite numbers, and how many: such a model can be neither trained nor measured. */
  nonFinite: { tensor: string; count: number }[];
}

/** @param model the name to show; default: that in the file. */
export function inspect(graph: Graph, model = graph.name): Inspection {
  const { shapes, groups, pinned } = dependencyGroups(graph);
  const cost = costOf(graph, shapes);
  const shapeOf = (value: string | undefined) => (value && shapes.types.get(value)?.dims) || null;
  const describe = ({ name, dtype, dims }: ValueInfo) => ({ name, dtype, shape: dims ?? shapeOf(name) });
  return {
    model,
    parameters: cost.parameters,
    macs: cost.macs,
    inputs: graph.inputs.map(describe),
    outputs: graph.outputs.map(describe),
    nodes: cost.nodes.map(({ node, parameters, macs }) => ({
      name: node.name,
      op: node.domain === '' ? node.op : `${node.domain}.${node.op}`,
      shape: shapeOf(node.outputs[0]),
      parameters,
      macs,
    })),
    groups: groups.map(({ id, channels, members }) => ({
      id,
      channels,
      members: members.map(({ value, axis }) => ({ tensor: value, axis })),
    })),
    pinned,
    unknown: shapes.unknown.map(({ node, reason }) => ({ node: node.name, reason })),
    nonFinite: nonFinite(graph),
  };
}
