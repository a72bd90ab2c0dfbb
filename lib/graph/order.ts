/** Nodes in topological order. */

import { TascnetError } from '../errors.js';
import type { Node } from './graph.js';

/**
 * The nodes so that each stands after those that make its inputs; nodes that are in order stay where they are. Inputs
 * that no node makes (graph inputs, initializers) do not matter.
 * @throws TascnetError when nodes feed each other in a circle.
 */
export function inTopologicalOrder(nodes: readonly Node[]): Node[] {
  const makers = new Map<string, Node>();
  for (const node of nodes) for (const output of node.outputs) if (output !== '') makers.set(output, node);
  const state = new Map<Node, 'open' | 'done'>();
  const ordered: Node[] = [];
  for (const root of nodes) {
    // An explicit stack: a chain of a hundred thousand nodes must not overflow the call stack.
    const stack: { node: Node; next: number }[] = [{ node: root, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (!top) break;
      if (top.next === 0) {
        if (state.get(top.node) === 'done') {
          stack.pop();
          continue;
        }
        state.set(top.node, 'open');
      }
      const input = top.node.inputs[top.next++];
      if (input === undefined) {
        state.set(top.node, 'done');
        ordered.push(top.node);
        stack.pop();
        continue;
      }
      const maker = makers.get(input);
      if (!maker || state.get(maker) === 'done') continue;
      if (state.get(maker) === 'open')
        throw new TascnetError(
          `${maker.op} "${maker.name}" and ${top.node.op} "${top.node.name}" are part of a circle: each needs the other's output.`,
          { hint: 'A model must be free of cycles; the file is damaged or was not written by an exporter.' },
        );
      stack.push({ node: maker, next: 0 });
    }
  }
  return ordered;
}
