/**
 * Removes channels of dependency groups from a graph: every weight that goes with them is cut, and what else depends on
 * the counts (the `group` of a convolution, the target of a Reshape) is written anew by the operators.
 */

import type { AxisChannels } from '../analyze/channels.js';
import { isIdentity } from '../analyze/consecutive.js';
import { type Dependencies, dependencyGroups, type Group } from '../analyze/groups.js';
import { keyOf } from '../analyze/relations.js';
import { inferShapes, type Shapes, shapedNode, typeOfTensor } from '../analyze/shapes.js';
import { TascnetError } from '../errors.js';
import { type Dim, type Graph, type Node, withoutDead } from '../graph/graph.js';
import { int64, type Tensor } from '../graph/tensor.js';
import type { AxisRef, RewriteContext } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';
import { type Bypass, withBypasses } from './bypass.js';
import { cutTensors, type Merges, type TensorCut, tensorCuts } from './cut-tensors.js';
import type { Plan } from './plan.js';

/** What to take out of one group. */
export interface Removal {
  /** Channel numbers, in any order. */
  channels: readonly number[];
  /** For a removed channel, the survivor to whose consumers' weights its own are added: [from, into]. */
  merge?: readonly (readonly [number, number])[];
  /** All channels may go: what has none left is taken out of the concatenations that it is in (see `emptiable`). */
  whole?: boolean;
}

export interface Removed {
  graph: Graph;
  plan: Plan;
  /** For every axis that was cut (`keyOf`), the elements that stayed, in terms of the graph before. */
  kept: Map<string, Int32Array>;
  /** Of the graph that is left. */
  shapes: Shapes;
}

/**
 * @param removals by group id of `dependencies`, which must belong to `graph`.
 * @throws TascnetError when a group is not known, a channel is out of range, or a group would lose all its channels.
 */
export async function removeChannels(
  graph: Graph,
  removals: ReadonlyMap<string, Removal>,
  dependencies: Dependencies = dependencyGroups(graph),
): Promise<Removed> {
  const cuts = checkedCuts(removals, dependencies.groups);
  if (cuts.length === 0)
    return { graph, plan: { groups: [], pinned: dependencies.pinned }, kept: new Map(), shapes: dependencies.shapes };
  const kept = keptElements(cuts, dependencies);
  const left = cuts.some(({ whole }) => whole) ? withoutEmpty(graph, kept) : graph;
  const work = tensorCuts(left, kept, dependencies.axes, mergesByAxis(cuts));
  // All that follows from shapes alone is done while the addon cuts.
  const [tensors, draft] = await Promise.all([cutTensors(work), drafted(left, kept, dependencies, cuts, work)]);
  const initializers = new Map(draft.graph.initializers);
  for (const [name, tensor] of tensors) if (initializers.has(name)) initializers.set(name, tensor);
  const result = { ...draft.graph, initializers };
  if (!draft.shapes) return { ...draft, graph: result, kept, shapes: inferShapes(result) };
  for (const [name, tensor] of tensors)
    if (draft.shapes.types.has(name)) draft.shapes.types.set(name, typeOfTensor(tensor));
  return { ...draft, graph: result, kept, shapes: draft.shapes };
}

/** What is left but for the elements of the cut tensors, whose old ones still stand there. */
interface Draft {
  graph: Graph;
  plan: Plan;
  /** Undefined where they may depend on the elements. */
  shapes: Shapes | undefined;
}

async function drafted(
  graph: Graph,
  kept: Map<string, Int32Array>,
  dependencies: Dependencies,
  cuts: Cut[],
  work: readonly TensorCut[],
): Promise<Draft> {
  const initializers = new Map(graph.initializers);
  for (const { name, tensor, dims } of work) initializers.set(name, { ...tensor, dims });
  const after = (at: AxisRef): Dim => {
    const extent = dependencies.shapes.types.get(at.value)?.dims[at.axis] ?? 0;
    return kept.get(keyOf(at))?.length ?? extent;
  };
  const touched = new Set<string>();
  for (const [key, { value }] of dependencies.axes) if (kept.has(key)) touched.add(value);
  const shuffled = new Map(dependencies.shuffles.map((shuffle) => [shuffle.nodes.at(-1)?.name, shuffle]));
  const nodes = graph.nodes.map((node) => {
    const shuffle = shuffled.get(node.name);
    return shuffle && kept.has(keyOf({ value: shuffle.to, axis: shuffle.axis }))
      ? lookUp(node, shuffle, kept, initializers)
      : rewriteNode(graph, node, dependencies, { kept, touched, after }, initializers);
  });
  const result = withoutDead({ ...graph, nodes, initializers });
  const plan = planOf(cuts, dependencies);
  return { graph: result, plan, shapes: computesFrom(result, work) ? undefined : inferShapes(result) };
}

/** Whether a node makes a constant of cut tensors, so that its elements are needed to tell of it. */
function computesFrom({ nodes, initializers }: Graph, work: readonly TensorCut[]): boolean {
  const cut = new Set(work.map(({ name }) => name));
  const computed = new Set<string>();
  return nodes.some(({ inputs, outputs }) => {
    if (!inputs.every((input) => input === '' || initializers.has(input) || computed.has(input))) return false;
    for (const output of outputs) computed.add(output);
    return inputs.some((input) => cut.has(input));
  });
}

interface Cut {
  number: number;
  group: Group;
  /** Ascending, without repeats. */
  removed: number[];
  /** 1 for each removed channel. */
  lost: Uint8Array;
  merged: [number, number][];
  whole: boolean;
}

function checkedCuts(removals: ReadonlyMap<string, Removal>, groups: Group[]): Cut[] {
  const numbers = new Map(groups.map((group, number) => [group.id, number]));
  const cuts: Cut[] = [];
  for (const [id, { channels, merge = [], whole = false }] of removals) {
    const number = numbers.get(id);
    const group = number === undefined ? undefined : groups[number];
    if (number === undefined || !group)
      throw new TascnetError(`There is no dependency group "${id}" in this model.`, {
        hint: 'tascnet inspect --groups lists them.',
      });
    const lost = new Uint8Array(group.channels);
    for (let at = 0; at < channels.length; at++) {
      const channel = channels[at] ?? -1;
      if (!Number.isInteger(channel) || channel < 0 || channel >= group.channels)
        throw new TascnetError(
          `Group "${id}" has channels 0 to ${group.channels - 1}; channel ${channel} cannot be removed.`,
        );
      lost[channel] = 1;
    }
    const removed: number[] = [];
    for (let at = lost.indexOf(1); at >= 0; at = lost.indexOf(1, at + 1)) removed.push(at);
    if (removed.length === group.channels && !whole)
      throw new TascnetError(`Group "${id}" would lose all of its ${group.channels} channels.`);
    for (const [from, into] of merge)
      if (lost[from] !== 1 || lost[into] !== 0)
        throw new TascnetError(
          `Group "${id}": channel ${from} cannot be merged into ${into}: a removed one goes into one that stays.`,
        );
    if (removed.length > 0)
      cuts.push({ number, group, removed, lost, merged: merge.map(([from, into]) => [from, into]), whole });
  }
  return cuts;
}

/** For every axis that is cut, the elements that stay. */
function keptElements(cuts: Cut[], { axes }: Dependencies): Map<string, Int32Array> {
  const gone = new Map(cuts.map(({ number, lost }) => [number, lost]));
  const kept = new Map<string, Int32Array>();
  // Axes with the same elements share these lists.
  const found = new Map<Int32Array, Int32Array>();
  for (const [key, axis] of axes) {
    let stay = found.get(axis.group);
    if (!stay) {
      stay = staying(axis, gone);
      found.set(axis.group, stay);
    }
    if (stay.length === 0 && !cuts.some(({ whole }) => whole))
      throw new TascnetError(`"${axis.value}" would lose all of its channels.`);
    if (stay.length < axis.extent) kept.set(key, stay);
  }
  return kept;
}

function staying({ extent, group, channel }: AxisChannels, gone: ReadonlyMap<number, Uint8Array>): Int32Array {
  const stay = new Int32Array(extent);
  let count = 0;
  let number = -1;
  let lost: Uint8Array | undefined;
  for (let index = 0; index < extent; index++) {
    if (group[index] !== number) {
      number = group[index] ?? -1;
      lost = gone.get(number);
    }
    if (lost?.[channel[index] ?? -1] !== 1) stay[count++] = index;
  }
  return stay.slice(0, count);
}

/** The graph without the values that have no channels left, and without what only they need. */
function withoutEmpty(graph: Graph, kept: ReadonlyMap<string, Int32Array>): Graph {
  const isEmpty = (value: string) => kept.get(keyOf({ value, axis: 1 }))?.length === 0;
  const alone: Bypass[] = [];
  const nodes = graph.nodes.map((node) => {
    const inputs = node.inputs.filter((value) => !isEmpty(value));
    if (inputs.length === 0 || inputs.length === node.inputs.length || node.outputs.some(isEmpty)) return node;
    if (inputs.length === 1) alone.push({ from: node.outputs[0] ?? '', to: inputs[0] ?? '' });
    return { ...node, inputs };
  });
  return withBypasses(withoutDead({ ...graph, nodes }), alone);
}

/** The elements of the reading axes that are added to others, in terms of the original. */
function mergesByAxis(cuts: Cut[]): Merges {
  const merges = new Map<string, [number, number][]>();
  for (const { group, merged } of cuts.filter(({ merged }) => merged.length > 0))
    for (const member of group.members)
      if (member.role === 'reads') {
        const pairs = merged.flatMap(([from, into]) =>
          Array.from({ length: member.perChannel }, (_, part): [number, number] => [
            member.indices[from * member.perChannel + part] ?? 0,
            member.indices[into * member.perChannel + part] ?? 0,
          ]),
        );
        merges.set(keyOf(member), [...(merges.get(keyOf(member)) ?? []), ...pairs]);
      }
  return merges;
}

function rewriteNode(
  graph: Graph,
  node: Node,
  dependencies: Dependencies,
  cut: { kept: Map<string, Int32Array>; touched: ReadonlySet<string>; after: (at: AxisRef) => Dim },
  initializers: Map<string, Tensor>,
): Node {
  const rewrite = operatorOf(node)?.rewrite;
  const isTouched = (value: string) => cut.touched.has(value);
  if (!rewrite || !(node.inputs.some(isTouched) || node.outputs.some(isTouched))) return node;
  const context: RewriteContext = {
    ...shapedNode(graph, node, dependencies.shapes.types),
    kept: (at) => cut.kept.get(keyOf(at)),
    extent: cut.after,
  };
  const { attributes, withoutAttributes = [], constants } = rewrite(context);
  if (!attributes && !constants && withoutAttributes.length === 0) return node;
  const inputs = [...node.inputs];
  for (const [input, tensor] of constants ?? []) {
    const name = freshName(initializers, `${node.name}_${input}`);
    initializers.set(name, tensor);
    inputs[input] = name;
  }
  const left = Object.entries(node.attributes).filter(([name]) => !withoutAttributes.includes(name));
  return { ...node, inputs, attributes: { ...Object.fromEntries(left), ...attributes } };
}

/** A shuffle that has lost channels here and there: those that stay, each looked up by its number. */
function lookUp(
  node: Node,
  { from, to, axis, order }: Dependencies['shuffles'][number],
  kept: ReadonlyMap<string, Int32Array>,
  initializers: Map<string, Tensor>,
): Node {
  const now = new Map(Array.from(kept.get(keyOf({ value: from, axis })) ?? [], (element, index) => [element, index]));
  const indices = Array.from(
    kept.get(keyOf({ value: to, axis })) ?? [],
    (element) => now.get(order[element] ?? -1) ?? 0,
  );
  const name = freshName(initializers, `${node.name}_order`);
  initializers.set(name, int64([indices.length], indices));
  return {
    ...node,
    op: 'Gather',
    domain: '',
    inputs: [from, name],
    attributes: { axis: { type: 'int', value: axis } },
  };
}

function freshName(taken: ReadonlyMap<string, unknown>, wanted: string): string {
  let name = wanted;
  for (let count = 2; taken.has(name); count++) name = `${wanted}_${count}`;
  return name;
}

function planOf(cuts: Cut[], { pinned }: Dependencies): Plan {
  return {
    groups: cuts.map(({ group, removed, merged }) => {
      // Members with the same elements share these lists.
      const lists = new Map<Int32Array, number[]>();
      const members = group.members.map(({ value, axis, indices, perChannel }) => {
        const list = lists.get(indices) ?? elementsOf(removed, indices, perChannel);
        lists.set(indices, list);
        return { tensor: value, axis, removed: list };
      });
      return { id: group.id, channels: group.channels, removed, merged, members };
    }),
    pinned,
  };
}

function elementsOf(removed: readonly number[], indices: Int32Array, perChannel: number): number[] {
  if (perChannel === 1 && isIdentity(indices)) return [...removed];
  const elements = new Int32Array(removed.length * perChannel);
  let count = 0;
  for (const channel of removed)
    for (let part = 0; part < perChannel; part++) elements[count++] = indices[channel * perChannel + part] ?? 0;
  return Array.from(elements.sort());
}
