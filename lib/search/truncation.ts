/** Networks cut off before their last units: the head then reads what the first of them read. */

import { type Anatomy, nodesBetween } from '../analyze/blocks.js';
import { learnableInitializers } from '../analyze/learnable.js';
import { inferShapes, shapedNode } from '../analyze/shapes.js';
import type { Unit } from '../analyze/units.js';
import type { Graph } from '../graph/graph.js';
import { freshNames } from '../graph/names.js';
import { randomGenerator } from '../graph/random.js';
import { float32, sizeOf } from '../graph/tensor.js';
import { operatorOf } from '../ops/registry.js';
import { type Bypass, withBypasses } from '../surgery/bypass.js';
import type { Head } from './head.js';

/**
 * By how many of the last units can be cut off, what is left out. Everything between the place of the cut and the head must
 * be in these units, or have no weights.
 */
export function truncationsOf(anatomy: Anatomy, { features }: Head, units: readonly Unit[]): Map<number, Bypass> {
  const { graph, dominators } = anatomy;
  const truncations = new Map<number, Bypass>();
  const from = units[0]?.exit;
  if (from === undefined || !dominators.dominates(from, features)) return truncations;
  const { parameters } = learnableInitializers(graph);
  const cut = new Set(units[0]?.nodes);
  for (const [index, { entry, nodes, kind }] of units.entries()) {
    for (const node of nodes) cut.add(node);
    const isInput = graph.inputs.some(({ name }) => name === entry);
    if (kind === 'dense-layer' || isInput || !dominators.dominates(entry, from)) continue;
    const behind = [...nodesBetween(anatomy, entry, features)];
    const all = behind.every((node) => cut.has(node) || !node.inputs.some((name) => parameters.has(name)));
    // What stays between the units and the head must not have weights either.
    const rest = [...nodesBetween(anatomy, from, features)];
    if (all && rest.every((node) => !node.inputs.some((name) => parameters.has(name))))
      truncations.set(index + 1, { from, to: entry });
  }
  return truncations;
}

/** The network without some parts, its end among them. Where the head reads another number of channels now, its first layer is drawn at random. */
export function truncated(graph: Graph, head: Head, bypasses: readonly Bypass[], seed: number): Graph {
  const inHead = new Set([...head.nodes].map(({ name }) => name));
  const first = [...head.nodes].find((node) => node.inputs[0] === head.features)?.name;
  const shorter = withBypasses(graph, bypasses);
  const body = { ...shorter, nodes: shorter.nodes.filter(({ name }) => !inHead.has(name)), outputs: [] };
  const { types } = inferShapes(body);
  const node = shorter.nodes.find(({ name }) => name === first);
  const channels = types.get(node?.inputs[0] ?? '')?.dims[1];
  const before = inferShapes(graph).types;
  const original = graph.nodes.find(({ name }) => name === first);
  const layer = original && operatorOf(original)?.linear?.(shapedNode(graph, original, before));
  const weight = graph.initializers.get(original?.inputs[layer?.weight ?? -1] ?? '');
  if (!node || !layer || !weight || typeof channels !== 'number' || channels === weight.dims[layer.inputAxis])
    return shorter;
  const dims = weight.dims.map((extent, axis) => (axis === layer.inputAxis ? channels : extent));
  const random = randomGenerator(seed, 'truncated head');
  const deviation = head.layers.length === 1 ? 0.01 : Math.sqrt(2 / channels);
  const drawn = float32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => random.normal() * deviation),
  );
  const name = freshNames(shorter)('head_inputs.weight');
  const nodes = shorter.nodes.map((other) =>
    other === node
      ? { ...other, inputs: other.inputs.map((input, at) => (at === layer.weight ? name : input)) }
      : other,
  );
  const initializers = new Map(shorter.initializers).set(name, drawn);
  initializers.delete(original?.inputs[layer.weight] ?? '');
  return { ...shorter, nodes, initializers };
}
