/** Nonlinearities put in the place of others. */

import type { Attribute, Graph, Node } from '../graph/graph.js';
import { withoutDead } from '../graph/graph.js';

export const ACTIVATIONS = [
  'relu',
  'leaky-relu',
  'hard-swish',
  'elu',
  'selu',
  'gelu',
  'mish',
  'sigmoid',
  'tanh',
] as const;
export type Activation = (typeof ACTIVATIONS)[number];

const OPERATORS: Record<Activation, { op: string; attributes?: Record<string, Attribute>; opset?: number }> = {
  relu: { op: 'Relu' },
  'leaky-relu': { op: 'LeakyRelu', attributes: { alpha: { type: 'float', value: Math.fround(0.01) } } },
  'hard-swish': { op: 'HardSwish' },
  elu: { op: 'Elu' },
  selu: { op: 'Selu' },
  gelu: { op: 'Gelu', opset: 20 },
  mish: { op: 'Mish' },
  sigmoid: { op: 'Sigmoid' },
  tanh: { op: 'Tanh' },
};

/** The operator and attributes of an activation. */
export function activationNode(activation: Activation): Pick<Node, 'op' | 'attributes'> {
  const { op, attributes = {} } = OPERATORS[activation];
  return { op, attributes };
}

/** The activations that a graph of an operator set can have. */
export function activationsOf({ opset }: Pick<Graph, 'opset'>): Activation[] {
  return ACTIVATIONS.filter((name) => (OPERATORS[name].opset ?? 0) <= opset);
}

/** The name of the activation that a node is. */
export function activationOf(node: Node): Activation | undefined {
  return ACTIVATIONS.find((name) => OPERATORS[name].op === node.op && node.domain === '');
}

/** The graph with `activation` in place of nodes; each reads the value that `inputs` says. */
export function withActivation(graph: Graph, inputs: ReadonlyMap<Node, string>, activation: Activation): Graph {
  const nodes = graph.nodes.map((node) => {
    const input = inputs.get(node);
    return input === undefined ? node : { ...node, domain: '', ...activationNode(activation), inputs: [input] };
  });
  return withoutDead({ ...graph, nodes });
}
