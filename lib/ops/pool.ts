/** What MaxPool and AveragePool have in common. */

import { intsAttribute } from '../graph/attributes.js';
import type { Dim, Node } from '../graph/graph.js';
import { productOf } from './elements.js';
import {
  type CostTerm,
  elementwiseCost,
  type InferContext,
  mismatch,
  type Relation,
  required,
  type ShapedNode,
  type SlidingWindow,
  tieAxes,
  wholeAxis,
} from './operator.js';
import { slidingWindow } from './resized-window.js';
import { pinSpatial, type Window, windowDims, windowOf } from './window.js';

/** The window of a pool, from its kernel_shape. */
export function poolWindow(node: Node): Window {
  const kernel = intsAttribute(node, 'kernel_shape');
  if (!kernel || kernel.length === 0 || kernel.some((extent) => extent < 1))
    throw mismatch(node, `kernel_shape [${kernel ?? ''}] should list the positive extents of its window.`);
  return windowOf(node, kernel);
}

export function poolDims(context: InferContext): Dim[] {
  const { node } = context;
  const { dims } = required(context, 0);
  const [batch = 0, channels = 0, ...spatial] = dims;
  const window = poolWindow(node);
  if (spatial.length !== window.kernel.length)
    throw mismatch(node, `a window [${window.kernel}] does not fit an input [${dims}].`);
  return [batch, channels, ...windowDims(context, window, spatial)];
}

/** One operation (a comparison or an addition) per element of each window. */
export function poolCost(shaped: ShapedNode): CostTerm[] {
  return elementwiseCost(shaped, productOf(poolWindow(shaped.node).kernel).number);
}

/** The window of a pool, which must be larger than its padding. */
export function resizablePool({ node, inputs }: ShapedNode): SlidingWindow | undefined {
  const spatial = inputs[0]?.dims.slice(2);
  return spatial && slidingWindow({ window: poolWindow(node), spatial, weight: undefined });
}

/** The batch and the channels; positions stay. */
export function tieBatchAndChannels(shaped: ShapedNode): Relation[] {
  const x = shaped.inputs[0];
  const [xName = ''] = shaped.node.inputs;
  if (!x) return [];
  const ties = shaped.outputs.flatMap((y, output) =>
    [0, 1].flatMap((axis) => tieAxes(wholeAxis(xName, x, axis), wholeAxis(shaped.node.outputs[output] ?? '', y, axis))),
  );
  return [...ties, ...pinSpatial(shaped)];
}
