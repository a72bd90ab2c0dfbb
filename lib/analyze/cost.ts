/**
 * What one inference of one sample costs: MACs, other floating-point operations, parameters and activation bytes, from
 * the operators' `cost` terms and the shapes.
 */

import type { Graph, Node } from '../graph/graph.js';
import { sizeOf } from '../graph/tensor.js';
import { productOf } from '../ops/elements.js';
import type { AxisRef, CostTerm, ValueType } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';
import type { AxisChannels } from './channels.js';
import type { Dependencies } from './groups.js';
import { learnableInitializers } from './learnable.js';
import { keyOf } from './relations.js';
import { inferShapes, type Shapes, shapedNode } from './shapes.js';

export interface NodeCost {
  node: Node;
  macs: number;
  elementwise: number;
  parameters: number;
  activationBytes: number;
}

export interface Cost {
  /** Multiply-adds of one sample. */
  macs: number;
  /** 2·MACs + the element-wise operations. */
  flops: number;
  /** Elements of the learnt initializers (weights, biases, scales); running statistics are not counted. */
  parameters: number;
  /** Bytes of all float weights that are stored: the parameters and the running statistics. */
  weightBytes: number;
  /** The most that one node reads and writes, in bytes of one sample. */
  peakActivationBytes: number;
  nodes: NodeCost[];
}

/** What is known only at run time, such as the batch, counts as 1. */
function extentOf(types: ReadonlyMap<string, ValueType>, { value, axis }: AxisRef): number {
  const extent = types.get(value)?.dims[axis] ?? 1;
  return typeof extent === 'number' ? extent : productOf([extent]).number;
}

function termsOf(graph: Graph, node: Node, shapes: Shapes): CostTerm[] {
  const operator = operatorOf(node);
  const known = operator && node.outputs.every((output) => output === '' || shapes.types.has(output));
  return known ? operator.cost(shapedNode(graph, node, shapes.types)) : [];
}

/** The cost of a graph; nodes whose operator or shapes are not known count as free. */
export function costOf(graph: Graph, shapes = inferShapes(graph)): Cost {
  const learnt = learnableInitializers(graph).parameters;
  const counted = new Set<string>();
  const bytes = new Map<string, number>();
  const activation = (value: string): number => {
    const known = bytes.get(value);
    if (known !== undefined) return known;
    const type = shapes.types.get(value);
    const size = !type || graph.initializers.has(value) ? 0 : 4 * productOf(type.dims).number;
    bytes.set(value, size);
    return size;
  };
  const nodes = graph.nodes.map((node): NodeCost => {
    const cost: NodeCost = { node, macs: 0, elementwise: 0, parameters: 0, activationBytes: 0 };
    for (const { kind, coefficient, factors } of termsOf(graph, node, shapes)) {
      let product = coefficient;
      for (const factor of factors) product *= extentOf(shapes.types, factor);
      cost[kind] += product;
    }
    for (const input of node.inputs)
      if (learnt.has(input) && !counted.has(input)) {
        counted.add(input);
        cost.parameters += sizeOf(graph.initializers.get(input)?.dims ?? [0]);
      }
    for (const output of node.outputs) cost.activationBytes += activation(output);
    return cost;
  });
  const sum = (part: 'macs' | 'elementwise' | 'parameters') => nodes.reduce((total, node) => total + node[part], 0);
  const reads = (node: Node) => node.inputs.reduce((total, input) => total + activation(input), 0);
  let weightBytes = 0;
  for (const { dtype, dims } of graph.initializers.values()) if (dtype === 'float32') weightBytes += 4 * sizeOf(dims);
  return {
    macs: sum('macs'),
    flops: 2 * sum('macs') + sum('elementwise'),
    parameters: sum('parameters'),
    weightBytes,
    peakActivationBytes: nodes.reduce((peak, cost) => Math.max(peak, cost.activationBytes + reads(cost.node)), 0),
    nodes,
  };
}

/** An extent as a function of the channel counts: constant + Σ multiplicity·channels[group]. */
export interface Extent {
  constant: number;
  groups: { group: number; multiplicity: number }[];
}

/** coefficient × Π extents. */
export interface Term {
  kind: 'macs' | 'parameters' | 'latency';
  coefficient: number;
  factors: Extent[];
}

/**
 * The MACs and parameters of a graph as terms in the channel counts of its dependency groups.
 * @param rates milliseconds for each MAC, by node: then its latency as well.
 */
export function costTerms(graph: Graph, dependencies: Dependencies, rates?: ReadonlyMap<string, number>): Term[] {
  const { shapes, axes, groups } = dependencies;
  const extent = (at: AxisRef): Extent => {
    const cut = axes.get(keyOf(at));
    return cut
      ? affine(
          cut,
          groups.map((group) => group.channels),
        )
      : { constant: extentOf(shapes.types, at), groups: [] };
  };
  const terms: Term[] = [];
  const add = (kind: Term['kind'], coefficient: number, factors: AxisRef[]) => {
    const extents = factors.map(extent);
    const fixed = extents
      .filter((factor) => factor.groups.length === 0)
      .reduce((product, factor) => product * factor.constant, 1);
    terms.push({
      kind,
      coefficient: coefficient * fixed,
      factors: extents.filter((factor) => factor.groups.length > 0),
    });
  };
  for (const node of graph.nodes)
    for (const term of termsOf(graph, node, shapes))
      if (term.kind === 'macs') {
        add('macs', term.coefficient, term.factors);
        if (rates) add('latency', term.coefficient * (rates.get(node.name) ?? 0), term.factors);
      }
  for (const name of learnableInitializers(graph).parameters)
    add('parameters', 1, graph.initializers.get(name)?.dims.map((_, axis) => ({ value: name, axis })) ?? []);
  return terms;
}

function affine(axis: AxisChannels, channels: number[]): Extent {
  const elements = new Map<number, number>();
  for (const group of axis.group) if (group >= 0) elements.set(group, (elements.get(group) ?? 0) + 1);
  let inGroups = 0;
  const parts = [...elements].map(([group, count]) => {
    inGroups += count;
    return { group, multiplicity: count / (channels[group] ?? 1) };
  });
  return { constant: axis.extent - inGroups, groups: parts };
}

/** The value of `terms` of one kind for given channel counts. */
export function evaluate(terms: readonly Term[], kind: Term['kind'], channels: ArrayLike<number>): number {
  const value = ({ constant, groups }: Extent) =>
    groups.reduce((sum, { group, multiplicity }) => sum + multiplicity * (channels[group] ?? 0), constant);
  let total = 0;
  for (const term of terms)
    if (term.kind === kind)
      total += term.factors.reduce((product, factor) => product * value(factor), term.coefficient);
  return total;
}
