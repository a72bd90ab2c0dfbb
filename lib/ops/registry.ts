/** Every operator that tascnet knows. Adding one is adding its file and a line here. */

import type { Node } from '../graph/graph.js';
import type { Operator } from './operator.js';
import { relu } from './relu.js';

const OPERATORS: readonly Operator[] = [relu];

const byName = new Map(OPERATORS.map((operator) => [`${operator.domain ?? ''}:${operator.op}`, operator]));

/** The operator of a node, or undefined when it is not known. */
export function operatorOf(node: Node): Operator | undefined {
  const domain = node.domain === 'ai.onnx' ? '' : node.domain;
  return byName.get(`${domain}:${node.op}`);
}

/** The names of all known operators, sorted. */
export function knownOperators(): string[] {
  return OPERATORS.map((operator) => operator.op).sort();
}
