/** Typed access to a node's attributes; each throws a clear error when the attribute has another type. */

import { TascnetError } from '../errors.js';
import type { Attribute, Node } from './graph.js';
import type { Tensor } from './tensor.js';

function read(node: Node, name: string, type: Attribute['type']): Attribute | undefined {
  const attribute = node.attributes[name];
  if (attribute !== undefined && attribute.type !== type)
    throw new TascnetError(
      `${node.op} "${node.name}": attribute ${name} should be ${type}, but it is ${attribute.type}.`,
    );
  return attribute;
}

export function intAttribute(node: Node, name: string): number | undefined;
export function intAttribute(node: Node, name: string, fallback: number): number;
export function intAttribute(node: Node, name: string, fallback?: number): number | undefined {
  const attribute = read(node, name, 'int');
  return attribute?.type === 'int' ? attribute.value : fallback;
}

export function floatAttribute(node: Node, name: string, fallback: number): number {
  const attribute = read(node, name, 'float');
  return attribute?.type === 'float' ? attribute.value : fallback;
}

export function stringAttribute(node: Node, name: string, fallback: string): string {
  const attribute = read(node, name, 'string');
  return attribute?.type === 'string' ? attribute.value : fallback;
}

export function intsAttribute(node: Node, name: string): number[] | undefined {
  const attribute = read(node, name, 'ints');
  return attribute?.type === 'ints' ? attribute.value : undefined;
}

export function tensorAttribute(node: Node, name: string): Tensor | undefined {
  const attribute = read(node, name, 'tensor');
  return attribute?.type === 'tensor' ? attribute.value : undefined;
}

/** `axis` counted from the front; throws when it is outside a tensor of `rank` axes. */
export function normalizeAxis(node: Node, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(normal) || normal < 0 || normal >= rank)
    throw new TascnetError(`${node.op} "${node.name}": axis ${axis} is outside a tensor of ${rank} axes.`);
  return normal;
}
