/** What of a graph has to be run, and with which types: everything about a model that needs no engine. */

import { inferShapes, shapedNode } from '../analyze/shapes.js';
import { TascnetError } from '../errors.js';
import type { Dim, Graph, Node } from '../graph/graph.js';
import type { Operator, RunContext, ShapedNode, ValueType } from '../ops/operator.js';
import { operatorOf } from '../ops/registry.js';
import { type LayoutPlan, planLayouts } from './layout.js';

export interface Step {
  node: Node;
  operator: Operator;
  run(context: RunContext): ReturnType<NonNullable<Operator['run']>>;
}

export interface Program {
  /** The nodes to run, in order: those whose outputs are not known from shapes alone. */
  steps: Step[];
  plan: LayoutPlan;
  /** Values that are known without running anything, initializers aside. */
  known: Set<string>;
  /** The types around every step and of every known value, for inputs of these extents. */
  typed(inputs: Record<string, Dim[]>): TypedProgram;
}

export interface TypedProgram {
  shaped: Map<Node, ShapedNode>;
  types: Map<string, ValueType>;
}

/**
 * Plans a graph.
 * @param changing initializers whose elements training changes: nothing is computed from them in advance.
 * @throws TascnetError naming the node that the engine cannot run.
 */
export function programOf(graph: Graph, changing: ReadonlySet<string>): Program {
  const open: Graph = {
    ...graph,
    initializers: new Map([...graph.initializers].filter(([name]) => !changing.has(name))),
    inputs: [
      ...graph.inputs,
      ...[...graph.initializers]
        .filter(([name]) => changing.has(name))
        .map(([name, { dtype, dims }]) => ({ name, dtype, dims })),
    ],
  };
  const infer = (extents: Record<string, Dim[]>) => {
    const { types, unknown } = inferShapes(open, extents);
    const first = unknown[0];
    if (first) throw new TascnetError(`The engine cannot run ${first.node.op} "${first.node.name}": ${first.reason}.`);
    return types;
  };

  const types = infer({});
  const known = new Set<string>();
  const steps: Step[] = [];
  for (const node of graph.nodes) {
    const outputs = node.outputs.filter((name) => name !== '');
    if (outputs.every((name) => types.get(name)?.elements !== undefined)) {
      for (const name of outputs) known.add(name);
      continue;
    }
    const operator = operatorOf(node);
    if (!operator?.run)
      throw new TascnetError(`The engine cannot run ${node.op} "${node.name}": the operator only computes shapes.`);
    steps.push({ node, operator, run: (context) => operator.run?.(context) ?? [] });
  }

  const plan = planLayouts(
    graph,
    steps.map(({ node, operator }) => ({ operator, shaped: shapedNode(graph, node, types) })),
    new Set([...graph.initializers.keys(), ...known]),
  );
  return {
    steps,
    plan,
    known,
    typed: (extents) => {
      const bound = infer(extents);
      return { types: bound, shaped: new Map(steps.map(({ node }) => [node, shapedNode(graph, node, bound)])) };
    },
  };
}

/** The steps that the values `names` depend on, in order. */
export function stepsTowards(steps: readonly Step[], names: Iterable<string>): Step[] {
  const needed = new Set(names);
  const chosen: Step[] = [];
  for (const step of steps.toReversed()) {
    if (!step.node.outputs.some((name) => needed.has(name))) continue;
    for (const name of step.node.inputs) needed.add(name);
    chosen.push(step);
  }
  return chosen.reverse();
}
