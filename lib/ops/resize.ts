import type * as tfjs from '@tensorflow/tfjs-core';
import { floatAttribute, intAttribute, intsAttribute, normalizeAxis, stringAttribute } from '../graph/attributes.js';
import type { Dim, Node } from '../graph/graph.js';
import { int64, sizeOf } from '../graph/tensor.js';
import { isFloat } from './broadcast.js';
import { numbersAtRunTime } from './elements.js';
import {
  type CostTerm,
  elementwiseCost,
  mismatch,
  type Operator,
  type Relation,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
  type Tf,
  tieAxes,
  type ValueType,
  wholeAxis,
} from './operator.js';
import { type AxisResize, type ResizeMode, resizeMatrix, scaledExtent, sourceCoordinate } from './resize-weights.js';

type Around = Pick<ShapedNode, 'node' | 'inputs'>;

function isGiven(type: ValueType | undefined): boolean {
  return type !== undefined && type.dims[0] !== 0;
}

function axesOf(context: Around): number[] {
  const rank = required(context, 0).dims.length;
  const axes = intsAttribute(context.node, 'axes');
  return (
    axes?.map((axis) => normalizeAxis(context.node, axis, rank)) ?? Array.from({ length: rank }, (_, axis) => axis)
  );
}

function modeOf(node: Node): ResizeMode {
  const mode = stringAttribute(node, 'mode', 'nearest');
  if (mode !== 'nearest' && mode !== 'linear' && mode !== 'cubic')
    throw mismatch(node, `mode "${mode}" is none of nearest, linear, cubic.`);
  return mode;
}

/** Refuses what is not computed here, so that it is told when the model is read. */
function check(context: Around): void {
  const { node } = context;
  modeOf(node);
  const coordinates = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  const probe = { ...plainAxis(node, 1, 1), coordinates };
  if (sourceCoordinate(probe, 0) === undefined)
    throw mismatch(node, `coordinate_transformation_mode "${coordinates}" is not supported.`);
  if (intAttribute(node, 'antialias', 0)) throw mismatch(node, 'antialias is not supported.');
  const policy = stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch');
  if (policy !== 'stretch') throw mismatch(node, `keep_aspect_ratio_policy "${policy}" is not supported.`);
}

function plainAxis(node: Node, input: number, output: number, scale = output / input): AxisResize {
  return {
    mode: modeOf(node),
    coordinates: stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel'),
    nearest: stringAttribute(node, 'nearest_mode', 'round_prefer_floor'),
    cubicA: floatAttribute(node, 'cubic_coeff_a', -0.75),
    excludeOutside: intAttribute(node, 'exclude_outside', 0) !== 0,
    input,
    output,
    scale,
  };
}

/** Resize: each axis to another extent, by nearest neighbour, linear or cubic interpolation. */
export const resize: Operator = {
  op: 'Resize',
  infer: (context) => {
    check(context);
    const { dtype, dims } = required(context, 0);
    const out: Dim[] = [...dims];
    const [, , scales, sizes] = context.inputs;
    const given = isGiven(sizes) ? sizes : scales;
    if (!isGiven(given)) throw mismatch(context.node, 'neither scales nor sizes are given.');
    const axes = axesOf(context);
    if (given?.elements && given.elements.length !== axes.length)
      throw mismatch(context.node, `${given.elements.length} scales or sizes are given for ${axes.length} axes.`);
    axes.forEach((axis, index) => {
      const element = given?.elements?.[index];
      const extent = dims[axis] ?? 1;
      if (element === undefined) out[axis] = context.unknown();
      else if (given === sizes) out[axis] = element;
      else if (element === 1) out[axis] = extent;
      else if (typeof element === 'number' && typeof extent === 'number') out[axis] = scaledExtent(extent, element);
      else out[axis] = context.unknown();
    });
    return [{ dtype, dims: out }];
  },
  run: (context) => {
    const x = requiredTensor(context, 0);
    const changed = resizedAxes(context, x).filter(({ resized }) => !isIdentity(resized));
    const { tf } = context;
    const kernel = quickResize(context, x, changed);
    const backward = (dy: tfjs.Tensor) =>
      changed.reduceRight((value, { axis, resized }) => multiplyAxis(tf, value, axis, resized, true), dy);
    const forward = (input: tfjs.Tensor) =>
      kernel
        ? kernel(input)
        : changed.reduce((value, { axis, resized }) => multiplyAxis(tf, value, axis, resized), input);
    if (changed.length === 0) return [tf.clone(x)];
    // The kernels' own gradients are wrong with pixel centres, and on some backends for pictures that are not square.
    return [tf.customGrad((input) => ({ value: forward(input as tfjs.Tensor), gradFunc: backward }))(x)];
  },
  cost: (shaped): CostTerm[] =>
    modeOf(shaped.node) === 'nearest' || !isFloat(shaped.outputs[0]) ? [] : elementwiseCost(shaped),
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const [input, output, from, to] = [inputs[0], outputs[0], node.inputs[0], node.outputs[0]];
    if (!input || !output || !from || !to) return [];
    const [, , scales, sizes] = inputs;
    const axes = axesOf(shaped);
    const untouched = input.dims.map((extent, axis) => {
      const index = axes.indexOf(axis);
      if (index < 0) return true;
      return isGiven(sizes) ? extent === sizes?.elements?.[index] : scales?.elements?.[index] === 1;
    });
    // A constant size would have to change along with the extent: it can only be written anew where all of them are known.
    const stuck = isGiven(sizes) && output.dims.some((extent, axis) => !untouched[axis] && typeof extent === 'string');
    return input.dims.flatMap((_, axis): Relation[] => {
      const ties = tieAxes(wholeAxis(from, input, axis), wholeAxis(to, output, axis));
      if (untouched[axis] && !stuck) return ties;
      const reason = stuck ? 'it is resized to a size known only at run time' : 'it is resized along this axis';
      return [
        ...(untouched[axis] ? ties : []),
        ...[from, to].map((value): Relation => ({ kind: 'pin', at: { value, axis }, reason })),
      ];
    });
  },
  rewrite: (context) => {
    const { node, inputs, outputs, kept } = context;
    const to = node.outputs[0] ?? '';
    const dims = outputs[0]?.dims ?? [];
    if (!isGiven(inputs[3]) || !dims.some((_, axis) => kept({ value: to, axis }))) return {};
    const axes = dims.flatMap((extent, axis) => (extent === inputs[0]?.dims[axis] ? [] : [axis]));
    const sizes = axes.map((axis) => Number(dims[axis]));
    return {
      attributes: { axes: { type: 'ints', value: axes } },
      constants: new Map([[3, int64([sizes.length], sizes)]]),
    };
  },
};

/** The physical axes with how they are resized. */
function resizedAxes(context: RunContext, x: tfjs.Tensor): { axis: number; resized: AxisResize }[] {
  const { node } = context;
  const sizes = isGiven(context.inputs[3]) ? numbersAtRunTime(context, 3) : undefined;
  const scales = sizes ? undefined : numbersAtRunTime(context, 2);
  return axesOf(context).map((logical, index) => {
    const axis = context.physicalAxis(logical, x.rank);
    const input = x.shape[axis] ?? 1;
    const scale = scales?.[index];
    const output = sizes?.[index] ?? scaledExtent(input, scale ?? 1);
    return { axis, resized: plainAxis(node, input, output, scale) };
  });
}

function isIdentity({ input, output, scale }: AxisResize): boolean {
  return input === output && scale === 1;
}

/** The engine's own kernel, for the height and width of a channels-last picture, where it computes the same. */
function quickResize(
  { tf, layout }: RunContext,
  x: tfjs.Tensor,
  changed: { axis: number; resized: AxisResize }[],
): ((picture: tfjs.Tensor) => tfjs.Tensor) | undefined {
  if (layout !== 'channelsLast' || x.rank !== 4) return undefined;
  const fits = changed.every(
    ({ axis, resized: { input, output, scale } }) =>
      (axis === 1 || axis === 2) && output === Math.fround(input * scale),
  );
  const [first] = changed;
  if (!fits || !first) return undefined;
  const { mode, coordinates, nearest } = first.resized;
  const extent = (axis: number) => changed.find((one) => one.axis === axis)?.resized.output ?? x.shape[axis] ?? 1;
  const size: [number, number] = [extent(1), extent(2)];
  const centred = coordinates === 'half_pixel' || coordinates === 'pytorch_half_pixel';
  // Modes differ in where they put the only pixel of an axis.
  const several = coordinates === 'asymmetric' || Math.min(...size) > 1;
  if (!several) return undefined;
  if (mode === 'linear' && (centred || coordinates === 'asymmetric' || coordinates === 'align_corners'))
    return (picture) =>
      tf.image.resizeBilinear(picture as tfjs.Tensor4D, size, coordinates === 'align_corners', centred);
  // Enlarged a whole number of times, the neighbour below is the same element with and without pixel centres.
  const whole = changed.every(({ resized: { scale } }) => Number.isInteger(scale));
  const below = coordinates === 'asymmetric' ? nearest === 'floor' : centred && nearest.startsWith('round');
  if (mode !== 'nearest' || !whole || !below) return undefined;
  return (picture) => tf.image.resizeNearestNeighbor(picture as tfjs.Tensor4D, size);
}

/** One axis as a matrix product, or its transpose: any mode, any axis. */
function multiplyAxis(tf: Tf, x: tfjs.Tensor, axis: number, resized: AxisResize, transposed = false): tfjs.Tensor {
  const { input, output } = resized;
  const extent = x.shape[axis] ?? 1;
  const before = sizeOf(x.shape.slice(0, axis));
  const after = sizeOf(x.shape.slice(axis + 1));
  const shape = x.shape.with(axis, transposed ? input : output);
  const weights = resizeMatrix(resized);
  if (after === 1) {
    const matrix = tf.tensor2d(weights, [output, input]);
    return tf.reshape(tf.matMul(tf.reshape(x, [before, extent]), matrix, false, !transposed), shape);
  }
  const matrix = tf.tensor3d(weights, [1, output, input]);
  return tf.reshape(tf.matMul(matrix, tf.reshape(x, [before, extent, after]), transposed), shape);
}
