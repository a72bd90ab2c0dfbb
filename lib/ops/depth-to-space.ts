/** DepthToSpace and SpaceToDepth: blocks of pixels to channels and back. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { intAttribute, stringAttribute } from '../graph/attributes.js';
import type { Dim } from '../graph/graph.js';
import {
  mismatch,
  type Operator,
  type Relation,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
} from './operator.js';

function blockOf(context: Pick<ShapedNode, 'node' | 'inputs'>): { block: number; columnFirst: boolean } {
  const { node } = context;
  const block = intAttribute(node, 'blocksize', 0);
  if (block < 1) throw mismatch(node, `attribute blocksize should be at least 1, but it is ${block}.`);
  const { dims } = required(context, 0);
  if (dims.length !== 4) throw mismatch(node, `an input of 4 axes was expected, got [${dims}].`);
  return { block, columnFirst: stringAttribute(node, 'mode', 'DCR') === 'CRD' };
}

function multiplied(extent: Dim, factor: number, unknown: () => string): Dim {
  return factor === 1 ? extent : typeof extent === 'number' ? extent * factor : unknown();
}

function divided(node: ShapedNode['node'], extent: Dim, divisor: number, unknown: () => string): Dim {
  if (divisor === 1) return extent;
  if (typeof extent === 'string') return unknown();
  if (extent % divisor !== 0) throw mismatch(node, `an extent of ${extent} is not a multiple of ${divisor}.`);
  return extent / divisor;
}

/** Reshape, transpose, reshape: in the axes of the layout in which the input came. */
function rearrange({ tf, layout }: RunContext, x: tfjs.Tensor, split: number[], order: number[], merged: number[]) {
  const nchw = layout === 'plain';
  const last = (shape: number[]) => (nchw ? shape : [shape[0] ?? 1, ...shape.slice(2), shape[1] ?? 1]);
  return tf.reshape(tf.transpose(tf.reshape(x, split), order), last(merged));
}

function extents(context: RunContext, x: tfjs.Tensor): [number, number, number, number] {
  const at = (axis: number) => x.shape[context.physicalAxis(axis, 4)] ?? 1;
  return [at(0), at(1), at(2), at(3)];
}

export const depthToSpace: Operator = {
  op: 'DepthToSpace',
  infer: (context) => {
    const { dtype, dims } = required(context, 0);
    const { block } = blockOf(context);
    const [batch = 1, channels = 1, height = 1, width = 1] = dims;
    const unknown = () => context.unknown();
    const depth = divided(context.node, channels, block * block, unknown);
    const space = [height, width].map((extent) => multiplied(extent, block, unknown));
    return [{ dtype, dims: [batch, depth, ...space] }];
  },
  run: (context) => {
    const x = requiredTensor(context, 0);
    const { block: b, columnFirst } = blockOf(context);
    const [n, channels, h, w] = extents(context, x);
    const c = channels / (b * b);
    const merged = [n, c, h * b, w * b];
    if (context.layout === 'plain') {
      const split = columnFirst ? [n, c, b, b, h, w] : [n, b, b, c, h, w];
      return [rearrange(context, x, split, columnFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2], merged)];
    }
    const split = columnFirst ? [n, h, w, c, b, b] : [n, h, w, b, b, c];
    return [rearrange(context, x, split, columnFirst ? [0, 1, 4, 2, 5, 3] : [0, 1, 3, 2, 4, 5], merged)];
  },
  cost: () => [],
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const { block, columnFirst } = blockOf(shaped);
    const tied = channelTies(
      node.inputs[0],
      inputs[0]?.dims[1],
      node.outputs[0],
      outputs[0]?.dims[1],
      block,
      columnFirst,
    );
    return [
      ...tied,
      ...spaceTies(node.outputs[0], outputs[0]?.dims ?? [], node.inputs[0], inputs[0]?.dims ?? [], block),
    ];
  },
};

export const spaceToDepth: Operator = {
  op: 'SpaceToDepth',
  infer: (context) => {
    const { dtype, dims } = required(context, 0);
    const { block } = blockOf(context);
    const [batch = 1, channels = 1, height = 1, width = 1] = dims;
    const unknown = () => context.unknown();
    const depth = multiplied(channels, block * block, unknown);
    const space = [height, width].map((extent) => divided(context.node, extent, block, unknown));
    return [{ dtype, dims: [batch, depth, ...space] }];
  },
  run: (context) => {
    const x = requiredTensor(context, 0);
    const { block: b } = blockOf(context);
    const [n, c, height, width] = extents(context, x);
    const [h, w] = [height / b, width / b];
    const merged = [n, c * b * b, h, w];
    if (context.layout === 'plain') return [rearrange(context, x, [n, c, h, b, w, b], [0, 3, 5, 1, 2, 4], merged)];
    return [rearrange(context, x, [n, h, b, w, b, c], [0, 1, 3, 2, 4, 5], merged)];
  },
  cost: () => [],
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const { block } = blockOf(shaped);
    const tied = channelTies(node.outputs[0], outputs[0]?.dims[1], node.inputs[0], inputs[0]?.dims[1], block, false);
    return [
      ...tied,
      ...spaceTies(node.inputs[0], inputs[0]?.dims ?? [], node.outputs[0], outputs[0]?.dims ?? [], block),
    ];
  },
};

/** Channel c of the shallow side goes with block² channels of the deep side: together in CRD, `channels` apart otherwise. */
function channelTies(
  deep: string | undefined,
  many: Dim | undefined,
  shallow: string | undefined,
  few: Dim | undefined,
  block: number,
  together: boolean,
): Relation[] {
  if (!deep || !shallow || typeof many !== 'number' || typeof few !== 'number' || few === 0) return [];
  const whole = { value: shallow, axis: 1, start: 0, length: few };
  if (together) return [{ kind: 'same', a: { value: deep, axis: 1, start: 0, length: many }, b: whole, blocks: few }];
  return Array.from({ length: block * block }, (_, part) => ({
    kind: 'same',
    a: { value: deep, axis: 1, start: part * few, length: few },
    b: whole,
  }));
}

/** Rows and columns of the large picture go in blocks with those of the small one; samples one by one. */
function spaceTies(
  large: string | undefined,
  many: readonly Dim[],
  small: string | undefined,
  few: readonly Dim[],
  block: number,
): Relation[] {
  if (!large || !small) return [];
  return [0, 2, 3].flatMap((axis): Relation[] => {
    const [a, b] = [many[axis], few[axis]];
    if (typeof a !== 'number' || typeof b !== 'number' || b === 0 || a !== b * (axis === 0 ? 1 : block)) return [];
    return [
      {
        kind: 'same',
        a: { value: large, axis, start: 0, length: a },
        b: { value: small, axis, start: 0, length: b },
        blocks: b,
      },
    ];
  });
}
