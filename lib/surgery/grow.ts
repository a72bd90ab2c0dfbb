/** More channels for dependency groups, so that the network computes the same until it is trained on (but for layer norms). */

import type { AxisChannels } from '../analyze/channels.js';
import type { Dependencies, Group } from '../analyze/groups.js';
import { keyOf } from '../analyze/relations.js';
import { inferShapes, shapedNode } from '../analyze/shapes.js';
import { messageOf, TascnetError } from '../errors.js';
import type { Graph, Node } from '../graph/graph.js';
import type { RandomGenerator } from '../graph/random.js';
import { float32, sizeOf, type Tensor } from '../graph/tensor.js';
import type { AxisRef, RewriteContext } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';

/**
 * The graph with more channels in some groups. What makes a new channel is drawn at random, as large as what makes the old
 * ones; its scales are those of an old one; what reads it begins with zeros.
 * @param added by group id of `dependencies`, which must belong to `graph`.
 * @throws TascnetError when a group is not known, or cannot grow.
 */
export function growChannels(
  graph: Graph,
  added: ReadonlyMap<string, number>,
  dependencies: Dependencies,
  random: RandomGenerator,
): Graph {
  const { groups, axes, shapes } = dependencies;
  const growing = new Map<number, Growth>();
  for (const [id, count] of added) {
    const number = groups.findIndex((group) => group.id === id);
    const group = groups[number];
    if (!group) throw new TascnetError(`There is no dependency group "${id}" in this model.`);
    const sources = Array.from({ length: count }, () => random.int(group.channels));
    growing.set(number, { group, sources });
  }
  requireIndependence(graph, dependencies, growing);
  const insertions = new Map<string, Insertion[]>();
  for (const [key, axis] of axes) {
    const found = [...growing].flatMap(([number, growth]) => insertionAt(axis, number, growth) ?? []);
    if (found.length > 0) insertions.set(key, found);
  }
  const extent = (at: AxisRef) => {
    const old = shapes.types.get(at.value)?.dims[at.axis] ?? 0;
    const more = (insertions.get(keyOf(at)) ?? []).reduce((sum, { from }) => sum + from.length, 0);
    return typeof old === 'number' ? old + more : old;
  };
  const initializers = new Map(graph.initializers);
  for (const [name, tensor] of graph.initializers)
    tensor.dims.forEach((_, axis) => {
      // From the end, so that the places of the others stay right.
      const found = insertions.get(keyOf({ value: name, axis })) ?? [];
      for (const insertion of found.toSorted((a, b) => b.at - a.at)) {
        const role = insertion.growth.group.members.find(
          (member) => member.value === name && member.axis === axis,
        )?.role;
        const current = initializers.get(name) ?? tensor;
        initializers.set(name, inserted(current, axis, insertion, role, random));
      }
    });
  const nodes = graph.nodes.map((node) => rewritten(graph, node, dependencies, extent));
  const grown = { ...graph, nodes, initializers };
  requireExtents(grown, dependencies, extent);
  return grown;
}

interface Growth {
  group: Group;
  /** For each new channel, the old one whose scales it takes. */
  sources: number[];
}

interface Insertion {
  growth: Growth;
  /** The element before which the new ones stand. */
  at: number;
  /** For each new element, the old one that it is modelled on. */
  from: number[];
}

/** Where the new channels of a group stand along an axis: behind its old ones, which must lie together and in order. */
function insertionAt(axis: AxisChannels, number: number, growth: Growth): Insertion | undefined {
  const own = [...axis.group.keys()].filter((index) => axis.group[index] === number);
  const [first] = own;
  if (first === undefined) return undefined;
  const perChannel = own.length / growth.group.channels;
  const ordered = own.every(
    (index, position) => index === first + position && axis.channel[index] === Math.floor(position / perChannel),
  );
  if (!ordered)
    throw new TascnetError(
      `The channels of "${growth.group.id}" lie apart in "${axis.value}": they cannot become more.`,
    );
  const from = growth.sources.flatMap((source) =>
    Array.from({ length: perChannel }, (_, part) => first + source * perChannel + part),
  );
  return { growth, at: first + own.length, from };
}

function inserted(
  tensor: Tensor,
  axis: number,
  { at, from }: Insertion,
  role: Group['members'][number]['role'] | undefined,
  random: RandomGenerator,
): Tensor {
  if (tensor.dtype !== 'float32')
    throw new TascnetError(`A constant of ${tensor.dtype} depends on how many channels there are.`);
  const { data, dims } = tensor;
  const extent = dims[axis] ?? 1;
  const inner = sizeOf(dims.slice(axis + 1));
  const outer = sizeOf(dims.slice(0, axis));
  const rms = Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / Math.max(1, data.length));
  const grown = new Float32Array(outer * (extent + from.length) * inner);
  for (let block = 0; block < outer; block++) {
    const [start, target] = [block * extent * inner, block * (extent + from.length) * inner];
    grown.set(data.subarray(start, start + at * inner), target);
    grown.set(data.subarray(start + at * inner, start + extent * inner), target + (at + from.length) * inner);
    if (role === 'reads') continue;
    for (const [index, source] of from.entries())
      for (let element = 0; element < inner; element++)
        grown[target + (at + index) * inner + element] =
          role === 'makes' ? random.normal() * rms : (data[start + source * inner + element] ?? 0);
  }
  return float32(
    dims.map((old, position) => (position === axis ? old + from.length : old)),
    grown,
  );
}

function rewritten(graph: Graph, node: Node, { shapes }: Dependencies, extent: RewriteContext['extent']): Node {
  const rewrite = operatorOf(node)?.rewrite;
  if (!rewrite) return node;
  const { attributes } = rewrite({ ...shapedNode(graph, node, shapes.types), kept: () => undefined, extent });
  return { ...node, attributes: { ...node.attributes, ...attributes } };
}

/**
 * What a channel gives must not depend on the others but through weights: the statistics of a norm over channels, and a
 * convolution that slides along them, would change.
 */
function requireIndependence(graph: Graph, { axes, shapes }: Dependencies, growing: ReadonlyMap<number, Growth>): void {
  const grows = (at: AxisRef) => axes.get(keyOf(at))?.group.some((number) => growing.has(number)) ?? false;
  for (const node of graph.nodes) {
    const operator = operatorOf(node);
    if (!operator) continue;
    const shaped = shapedNode(graph, node, shapes.types);
    const [value = ''] = node.inputs;
    const slides =
      operator.window?.(shaped) && shaped.inputs[0]?.dims.some((_, axis) => axis > 1 && grows({ value, axis }));
    const normalizes = operator
      .tie(shaped)
      .some((relation) => relation.kind === 'pin' && relation.unlessNormalizing && grows(relation.at));
    if (slides || normalizes)
      throw new TascnetError(
        `${node.op} "${node.name}" works on all channels at once: more of them change what it does.`,
      );
  }
}

/** Every value has the channels that it should have: nothing (a Reshape, a Split) is bound to the old number. */
function requireExtents(graph: Graph, { axes, shapes }: Dependencies, extent: (at: AxisRef) => number | string): void {
  let types: ReturnType<typeof inferShapes>['types'];
  try {
    types = inferShapes(graph).types;
  } catch (error) {
    throw new TascnetError(`The network is bound to the number of its channels: ${messageOf(error)}`, { cause: error });
  }
  for (const [value, { dims }] of shapes.types) {
    const now = types.get(value)?.dims;
    const expected = dims.map((old, axis) => (axes.has(keyOf({ value, axis })) ? extent({ value, axis }) : old));
    if (now?.join() !== expected.join())
      throw new TascnetError(
        `The network is bound to the number of its channels: "${value}" would have the shape [${now}].`,
      );
  }
}

/** Whether a group can have more channels. */
export function canGrow(graph: Graph, id: string, dependencies: Dependencies, random: RandomGenerator): boolean {
  try {
    growChannels(graph, new Map([[id, 1]]), dependencies, random);
    return true;
  } catch (error) {
    if (error instanceof TascnetError) return false;
    throw error;
  }
}
