/** The units of a network from its end to its beginning: its blocks, and the layers between them with what follows them. */

import { consumers, type Graph, type Node } from '../graph/graph.js';
import { operatorOf } from '../ops/registry.js';
import { type Anatomy, anatomyOf, type Block, branchingBlocks, isLayer, roleOf, sameDims } from './blocks.js';
import { type Shapes, shapedNode } from './shapes.js';

export interface Unit extends Block {
  /** What the names of its layers have in common, or that of its last layer. */
  name: string;
  /** Its result has the shape of what it is computed from: it can be left out. */
  keepsShape: boolean;
}

/**
 * The units whose layers none of `apart` is, the last one of the network first. Each node that has a window, drops out or
 * is a nonlinearity is in the unit that it follows.
 */
export function unitsOf(graph: Graph, shapes: Shapes, apart: ReadonlySet<Node>): Unit[] {
  const anatomy = anatomyOf(graph, shapes);
  const builder: Builder = { ...anatomy, readers: consumers(graph), taken: new Set(apart) };
  const index = new Map(graph.nodes.map((node, at) => [node, at]));
  const blocks = branchingBlocks(anatomy, apart);
  for (const { nodes } of blocks) for (const node of nodes) builder.taken.add(node);
  for (const block of blocks) if (block.kind !== 'dense-layer') extend(builder, block);
  for (const node of graph.nodes)
    if (!builder.taken.has(node) && isLayer(anatomy, node)) {
      const [entry] = node.inputs.filter((name) => anatomy.dominators.flows(name));
      if (entry === undefined) continue;
      const layer: Block = {
        kind: 'layer',
        nodes: new Set([node]),
        layers: [node],
        entry,
        exit: node.outputs[0] ?? '',
      };
      builder.taken.add(node);
      extend(builder, layer);
      blocks.push(layer);
    }
  const lastOf = ({ layers }: Block) => Math.max(...layers.map((node) => index.get(node) ?? 0));
  blocks.sort((a, b) => lastOf(b) - lastOf(a));
  for (const node of graph.nodes)
    if (!builder.taken.has(node) && isAdjustable(anatomy, node))
      blocks.find((block) => lastOf(block) < (index.get(node) ?? 0))?.nodes.add(node);
  const names = namesOf(blocks);
  return blocks.map((block, at) => ({
    ...block,
    name: names[at] ?? '',
    keepsShape: sameDims(shapes, block.entry, block.exit),
  }));
}

interface Builder extends Anatomy {
  readers: ReturnType<typeof consumers>;
  taken: Set<Node>;
}

function isAdjustable(anatomy: Anatomy, node: Node): boolean {
  if (!anatomy.dominators.flows(node.inputs[0] ?? '')) return false;
  const role = roleOf(anatomy, node);
  if (role === 'nonlinearity' || role === 'dropout') return true;
  const { graph, shapes } = anatomy;
  return operatorOf(node)?.window?.(shapedNode(graph, node, shapes.types)) !== undefined;
}

/**
 * Takes in what follows a block and nothing else reads: norms, nonlinearities, pools; behind a depthwise layer, the next
 * one. The result of a layer is that behind its norm and nonlinearity; that of a block is where its branches meet.
 */
function extend(builder: Builder, block: Block): void {
  let end = block.exit;
  let growing = block.kind === 'layer';
  for (let next = following(builder, end); next.length > 0; next = following(builder, end)) {
    const last = next.at(-1);
    const to = last?.outputs[0];
    if (!last || to === undefined) return;
    const layer = isLayer(builder, last);
    const depthwise = block.kind === 'layer' && block.layers.every((inner) => keepsChannels(builder, inner));
    if (layer && !(growing && depthwise)) return;
    if (layer) block.layers.push(last);
    else growing &&= isElementwise(builder, last, end, to);
    for (const node of next) {
      block.nodes.add(node);
      builder.taken.add(node);
    }
    end = to;
    if (growing) block.exit = end;
  }
}

/** The only reader of a value, where it reads nothing else; or the two that make x · gate(x) of it. */
function following(builder: Builder, value: string): Node[] {
  const { readers, taken, dominators } = builder;
  const nodes = [...new Set((readers.get(value) ?? []).map(({ node }) => node))];
  const [first, second] = nodes;
  if (!first || nodes.some((node) => taken.has(node) || node.outputs.length > 1)) return [];
  const product = nodes.find((node) => gateOf(builder, node) === value);
  if (nodes.length === 2 && second && product) return first === product ? [second, first] : [first, second];
  const alone = first.inputs.every((name) => name === value || !dominators.flows(name));
  return nodes.length === 1 && alone ? [first] : [];
}

/** The value x of a node that computes x · gate(x), such as a swish in two nodes. */
export function gateOf(anatomy: Anatomy, node: Node): string | undefined {
  const [a = '', b = ''] = node.inputs;
  if (node.inputs.length !== 2 || roleOf(anatomy, node) !== 'product') return undefined;
  return [
    [a, b],
    [b, a],
  ]
    .filter(([x, gate]) => {
      const maker = anatomy.makers.get(gate ?? '');
      return maker !== undefined && maker.inputs[0] === x && roleOf(anatomy, maker) === 'gate';
    })
    .map(([x]) => x)[0];
}

/** A depthwise layer: one input channel for each output channel. */
function keepsChannels({ graph, shapes }: Anatomy, node: Node): boolean {
  const channels = shapes.types.get(node.inputs[0] ?? '')?.dims[1];
  const weight = node.inputs
    .map((name) => graph.initializers.get(name))
    .find((tensor) => (tensor?.dims.length ?? 0) > 2);
  return weight?.dims[1] === 1 && typeof channels === 'number' && channels > 1;
}

function isElementwise({ graph, shapes }: Anatomy, node: Node, from: string, to: string): boolean {
  return sameDims(shapes, from, to) && !operatorOf(node)?.window?.(shapedNode(graph, node, shapes.types));
}

/** What the names of a block's layers, and of no other layers, begin with; or its last layer. Each block another one. */
function namesOf(blocks: readonly Block[]): string[] {
  const seen = new Set<string>();
  const all = blocks.flatMap(({ layers }) => layers.map(({ name }) => name));
  return blocks.map(({ layers }) => {
    const names = layers.map(({ name }) => name);
    const shared = names.length > 1 ? sharedBeginning(names) : '';
    const apart = shared !== '' && all.filter((name) => beginsWith(name, shared)).length === names.length;
    const wish = apart ? shared : (names.at(-1) ?? 'unit');
    let name = wish;
    for (let number = 2; seen.has(name); number++) name = `${wish}#${number}`;
    seen.add(name);
    return name;
  });
}

/** Up to a separator. */
function sharedBeginning(names: readonly string[]): string {
  const [first = ''] = names;
  let length = first.length;
  for (const name of names) while (!name.startsWith(first.slice(0, length))) length--;
  return first
    .slice(0, length)
    .replace(/[^./]*$/, '')
    .replace(/[./]+$/, '');
}

function beginsWith(name: string, beginning: string): boolean {
  return name.startsWith(beginning) && /^[./]/.test(name.slice(beginning.length));
}
