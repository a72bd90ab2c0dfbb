/** Multidirectional broadcasting (ONNX "Broadcasting in ONNX"): shapes, known elements, ties and gradients. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Dim } from '../graph/graph.js';
import { sizeOf } from '../graph/tensor.js';
import {
  type CostTerm,
  elementwiseCost,
  type InferContext,
  type LayoutPolicy,
  MAX_KNOWN_ELEMENTS,
  mismatch,
  type Relation,
  type ShapedNode,
  type Tf,
  tieAxes,
  type ValueType,
  wholeAxis,
} from './operator.js';

/** The shape to which `shapes` broadcast, aligned from the right. Throws when two extents contradict each other. */
export function broadcastDims(context: InferContext, shapes: readonly Dim[][]): Dim[] {
  const rank = Math.max(0, ...shapes.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) =>
    shapes
      .map((dims) => dims[axis - rank + dims.length] ?? 1)
      .reduce((a, b) => {
        if (a === b || b === 1) return a;
        if (a === 1) return b;
        if (typeof a === 'number' && typeof b === 'number')
          throw mismatch(
            context.node,
            `shapes ${shapes.map((dims) => `[${dims}]`).join(' and ')} do not broadcast: ${a} against ${b} on axis ${axis}.`,
          );
        if (typeof a === 'number') return a;
        if (typeof b === 'number') return b;
        // Two different symbols that meet are the same extent, or one of them is 1; the named one says more.
        return a.includes('?') ? b : a;
      }),
  );
}

/** Whether every extent is a number. */
export function isConcrete(dims: readonly Dim[]): dims is number[] {
  return dims.every((extent) => typeof extent === 'number');
}

/** The known elements of a value, repeated to the shape `dims`; undefined where they are unknown or too many. */
export function elementsAs(type: ValueType, dims: readonly Dim[]): Dim[] | undefined {
  const { elements } = type;
  if (!elements || !isConcrete(dims) || !isConcrete(type.dims)) return undefined;
  const size = sizeOf(dims);
  if (size > MAX_KNOWN_ELEMENTS) return undefined;
  if (elements.length === 1) return Array.from({ length: size }, () => elements[0] ?? 0);
  const strides = alignedStrides(type.dims, dims.length);
  const result: Dim[] = [];
  for (let flat = 0; flat < size; flat++) {
    let rest = flat;
    let source = 0;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const extent = dims[axis] ?? 1;
      source += (rest % extent) * (strides[axis] ?? 0);
      rest = Math.floor(rest / extent);
    }
    result.push(elements[source] ?? 0);
  }
  return result;
}

/** Row-major strides of `dims` for `rank` axes aligned from the right; 0 where an axis is repeated. */
function alignedStrides(dims: readonly number[], rank: number): number[] {
  const strides = new Array<number>(rank).fill(0);
  let stride = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const extent = dims[axis] ?? 1;
    if (extent !== 1) strides[axis + rank - dims.length] = stride;
    stride *= extent;
  }
  return strides;
}

/**
 * Ties each of the inputs (all, unless listed) to output 0 along the axes where it is not repeated.
 * An axis of extent 1 that is repeated ties to nothing.
 */
export function tieBroadcast(shaped: ShapedNode, positions?: readonly number[]): Relation[] {
  const output = shaped.outputs[0];
  const outputName = shaped.node.outputs[0];
  if (!output || !outputName) return [];
  return shaped.inputs.flatMap((input, position) => {
    const name = shaped.node.inputs[position];
    if (!input || !name || (positions && !positions.includes(position))) return [];
    const shift = output.dims.length - input.dims.length;
    return input.dims.flatMap((_, axis) =>
      tieAxes(wholeAxis(name, input, axis), wholeAxis(outputName, output, axis + shift)),
    );
  });
}

/** One operation per element of output 0; none for integers and booleans, which are shape arithmetic. */
export function floatCost(shaped: ShapedNode): CostTerm[] {
  return isFloat(shaped.outputs[0]) ? elementwiseCost(shaped) : [];
}

/** Broadcasting integers are shape arithmetic: short vectors, better left as they lie than aligned with activations. */
export function followFloats({ inputs }: ShapedNode): LayoutPolicy {
  return inputs.some((input) => input?.dtype === 'int64') ? 'plain' : 'follow';
}

export function isFloat(type: ValueType | undefined): boolean {
  return type !== undefined && /float/.test(type.dtype);
}

/**
 * `x` repeated to `shape`. The gradient is a sum over the repeated axes; tfjs's own repeats a slice for each copy and
 * ends at four axes.
 */
export function broadcastTo(tf: Tf, x: tfjs.Tensor, shape: number[]): tfjs.Tensor {
  if (x.shape.length === shape.length && x.shape.every((extent, axis) => extent === shape[axis])) return x;
  const aligned = [...new Array<number>(shape.length - x.shape.length).fill(1), ...x.shape];
  const repeated = shape.flatMap((extent, axis) => (aligned[axis] === extent ? [] : [axis]));
  if (x.dtype !== 'float32') return tf.broadcastTo(x, shape);
  return tf.customGrad((input) => ({
    value: tf.broadcastTo(input as tfjs.Tensor, shape),
    gradFunc: (dy: tfjs.Tensor) => tf.reshape(tf.sum(dy, repeated, true), x.shape),
  }))(x);
}

/** `f` of tensors of which its output, a step function, has derivative zero: tfjs knows no gradient for most of those. */
export function withoutGradient<T extends tfjs.Tensor[]>(
  tf: Tf,
  tensors: T,
  f: (...tensors: T) => tfjs.Tensor,
): tfjs.Tensor {
  return tf.customGrad(() => ({
    value: f(...tensors),
    gradFunc: () => tensors.map(({ shape }) => tf.zeros(shape)),
  }))(...tensors);
}
