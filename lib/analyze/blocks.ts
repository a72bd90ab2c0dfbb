/**
 * The units that a network is built of, from its graph alone: residual blocks, the layers of dense blocks, other branches
 * that part and meet again, and the layers between them.
 */

import { type Graph, type Node, producers } from '../graph/graph.js';
import type { Role, ValueType } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';
import { type Dominators, dominatorsOf } from './dominators.js';
import { isFixedSelection } from './learnable.js';
import { inferShapes, type Shapes, shapedNode } from './shapes.js';

/**
 * `residual`: a sum of its input and what branches off it. `dense-layer`: what is made of the parts of a concatenation and
 * joins them (Huang et al., arXiv 1608.06993). `branches`: any other that parts and meets again, such as a gate. `layer`: a layer, with the
 * depthwise one before it.
 */
export type BlockKind = 'residual' | 'dense-layer' | 'branches' | 'layer';

export interface Block {
  kind: BlockKind;
  nodes: Set<Node>;
  /** Those that multiply by a learnt weight. */
  layers: Node[];
  /** The one value that it is computed from, and its result. */
  entry: string;
  exit: string;
}

/** A block of more layers than this is seen as the blocks within it. */
const MAX_LAYERS = 12;

export interface Anatomy {
  graph: Graph;
  shapes: Shapes;
  dominators: Dominators;
  makers: Map<string, Node>;
}

export function anatomyOf(graph: Graph, shapes: Shapes = inferShapes(graph)): Anatomy {
  return { graph, shapes, dominators: dominatorsOf(graph), makers: producers(graph) };
}

export function roleOf({ graph, shapes }: Pick<Anatomy, 'graph' | 'shapes'>, node: Node): Role | undefined {
  return operatorOf(node)?.role?.(shapedNode(graph, node, shapes.types));
}

/** Whether a node multiplies by a learnt weight. */
export function isLayer({ graph, shapes }: Pick<Anatomy, 'graph' | 'shapes'>, node: Node): boolean {
  const operator = operatorOf(node);
  const weight = operator?.parameters?.map((input) => graph.initializers.get(node.inputs[input] ?? ''));
  const learnt = weight?.find((tensor) => tensor?.dtype === 'float32' && tensor.dims.length >= 2);
  if (!operator || !learnt || isFixedSelection(learnt)) return false;
  return operator.cost(shapedNode(graph, node, shapes.types)).some(({ kind }) => kind === 'macs');
}

/** Float values of three axes or more: maps, not shapes and not vectors. */
function isMap(type: ValueType | undefined): boolean {
  return type?.dtype === 'float32' && type.dims.length >= 3;
}

/**
 * The blocks of a graph that branch, each node in one of them at most: the largest ones of up to `MAX_LAYERS` layers.
 * @param apart nodes that belong to none.
 */
export function branchingBlocks(anatomy: Anatomy, apart: ReadonlySet<Node>): Block[] {
  const { graph } = anatomy;
  const found = new Map<string, Block>();
  for (const node of graph.nodes)
    for (const block of blocksEndingIn(anatomy, node)) {
      const { layers, nodes, exit } = block;
      const fits = layers.length > 0 && layers.length <= MAX_LAYERS && [...nodes].every((inner) => !apart.has(inner));
      if (fits && !found.has(exit)) found.set(exit, block);
    }
  const taken = new Set<Node>();
  const accepted: Block[] = [];
  const largest = [...found.values()].sort((a, b) => b.layers.length - a.layers.length || b.nodes.size - a.nodes.size);
  for (const block of largest) {
    if ([...block.nodes].some((node) => taken.has(node))) continue;
    for (const node of block.nodes) taken.add(node);
    accepted.push(block);
  }
  return accepted;
}

function blocksEndingIn(anatomy: Anatomy, node: Node): Block[] {
  const { dominators, shapes } = anatomy;
  const exit = node.outputs[0] ?? '';
  const operands = [...new Set(node.inputs.filter((name) => dominators.flows(name)))];
  if (operands.length < 2 || !isMap(shapes.types.get(exit))) return [];
  const role = roleOf(anatomy, node);
  if (role !== 'sum' && role !== 'concatenation' && role !== 'product') return [];
  if (role === 'concatenation') {
    const layers = operands.flatMap((operand) => denseLayer(anatomy, node, operand) ?? []);
    if (layers.length > 0) return layers;
  }
  const entry = dominators.of(exit);
  if (entry === undefined) return [];
  const identity = operands.includes(entry) && sameDims(shapes, entry, exit);
  return [block(anatomy, role === 'sum' && identity ? 'residual' : 'branches', entry, exit)];
}

export function sameDims({ types }: Shapes, a: string, b: string): boolean {
  const [first, second] = [types.get(a), types.get(b)];
  return first !== undefined && first.dtype === second?.dtype && first.dims.join() === second.dims.join();
}

function denseLayer(anatomy: Anatomy, node: Node, operand: string): Block | undefined {
  const { dominators } = anatomy;
  const others = new Set(node.inputs.filter((name) => name !== operand).flatMap((name) => partsOf(anatomy, name)));
  const made = anatomy.makers.get(operand);
  if (others.has(operand) || !made || roleOf(anatomy, made) === 'concatenation') return undefined;
  for (let entry = dominators.of(operand); entry !== undefined; entry = dominators.of(entry))
    if (partsOf(anatomy, entry).every((part) => others.has(part))) return block(anatomy, 'dense-layer', entry, operand);
  return undefined;
}

/** What a value was concatenated of, through all concatenations. */
function partsOf(anatomy: Anatomy, value: string): string[] {
  const node = anatomy.makers.get(value);
  if (!node || roleOf(anatomy, node) !== 'concatenation') return [value];
  return node.inputs.flatMap((name) => partsOf(anatomy, name));
}

function block(anatomy: Anatomy, kind: BlockKind, entry: string, exit: string): Block {
  const nodes = nodesBetween(anatomy, entry, exit);
  const layers = anatomy.graph.nodes.filter((node) => nodes.has(node) && isLayer(anatomy, node));
  return { kind, nodes, layers, entry, exit };
}

/** The nodes that make `exit` of `entry`, without those that work on constants alone. */
export function nodesBetween({ dominators, makers }: Anatomy, entry: string, exit: string): Set<Node> {
  const nodes = new Set<Node>();
  const open = [exit];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    const node = value === entry ? undefined : makers.get(value);
    if (!node || nodes.has(node)) continue;
    nodes.add(node);
    open.push(...node.inputs.filter((name) => dominators.flows(name)));
  }
  return nodes;
}
