/** A convolution or a pool with a window of another extent, its outputs where they were. */

import { type Shapes, shapedNode } from '../analyze/shapes.js';
import { TascnetError } from '../errors.js';
import type { Graph, Node } from '../graph/graph.js';
import { float32, float32Data, sizeOf, type Tensor } from '../graph/tensor.js';
import { operatorOf } from '../ops/registry.js';

/**
 * The graph with another window for one of its nodes. A smaller kernel is the middle of the old one; a larger one has zeros
 * around the old one, so that it computes the same.
 * @param extent of every axis along which the window has several taps (of all axes, where there are none).
 * @throws TascnetError when the outputs could not stay where they are.
 */
export function withWindow(graph: Graph, node: Node, extent: number, { types }: Shapes): Graph {
  const window = operatorOf(node)?.window?.(shapedNode(graph, node, types));
  const resized = window?.resized(extent);
  if (!window || !resized)
    throw new TascnetError(`${node.op} "${node.name}" cannot have a window of ${extent} in the same places.`);
  const left = Object.entries(node.attributes).filter(([name]) => !resized.withoutAttributes.includes(name));
  const changed: Node = { ...node, attributes: { ...Object.fromEntries(left), ...resized.attributes } };
  const nodes = graph.nodes.map((other) => (other === node ? changed : other));
  const name = window.weight === undefined ? undefined : node.inputs[window.weight];
  const weight = graph.initializers.get(name ?? '');
  if (name === undefined || !weight) return { ...graph, nodes };
  const initializers = new Map(graph.initializers).set(name, withTaps(weight, resized.taps, node));
  return { ...graph, nodes, initializers };
}

/** Whether a window can be resized by itself: its taps are the node's own. */
export function ownsTaps(graph: Graph, node: Node, weight: number | undefined): boolean {
  if (weight === undefined) return true;
  const name = node.inputs[weight] ?? '';
  const readers = graph.nodes.filter(({ inputs }) => inputs.includes(name));
  return graph.initializers.get(name)?.dtype === 'float32' && readers.length === 1;
}

/** @param taps rows added before and behind each axis from 2 on; taken away where negative. */
function withTaps(weight: Tensor, taps: readonly [number, number][], node: Node): Tensor {
  const data = float32Data(weight, `The weight of ${node.op} "${node.name}"`);
  const filters = weight.dims.slice(0, 2);
  const old = weight.dims.slice(2);
  const kernel = old.map((extent, axis) => extent + (taps[axis]?.[0] ?? 0) + (taps[axis]?.[1] ?? 0));
  const [area, oldArea] = [sizeOf(kernel), sizeOf(old)];
  const from = Array.from({ length: area }, (_, tap) => oldTap(tap, kernel, old, taps));
  const resized = new Float32Array(sizeOf(filters) * area);
  for (let filter = 0; filter < sizeOf(filters); filter++)
    for (const [tap, source] of from.entries())
      if (source !== undefined) resized[filter * area + tap] = data[filter * oldArea + source] ?? 0;
  return float32([...filters, ...kernel], resized);
}

/** The row-major number of the tap that a new one was; undefined where it is new. */
function oldTap(
  tap: number,
  kernel: readonly number[],
  old: readonly number[],
  taps: readonly [number, number][],
): number | undefined {
  let rest = tap;
  let source = 0;
  let stride = 1;
  for (let axis = kernel.length - 1; axis >= 0; axis--) {
    const extent = kernel[axis] ?? 1;
    const at = (rest % extent) - (taps[axis]?.[0] ?? 0);
    rest = Math.floor(rest / extent);
    if (at < 0 || at >= (old[axis] ?? 1)) return undefined;
    source += at * stride;
    stride *= old[axis] ?? 1;
  }
  return source;
}
