import type * as tfjs from '@tensorflow/tfjs-core';
import { normalizeAxis } from '../graph/attributes.js';
import type { Dim } from '../graph/graph.js';
import { int64, sizeOf } from '../graph/tensor.js';
import { arrangedElements, knownNumbers, numbersAtRunTime, requiredNumbers } from './elements.js';
import {
  type InferContext,
  mismatch,
  type Operator,
  type Relation,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
  type Tf,
  tieAxes,
  wholeAxis,
} from './operator.js';

/** Positions `start`, `start + step`, … (`length` of them) of one axis. */
interface Range {
  start: number;
  step: number;
  length: number;
}

interface SlicedAxis {
  axis: number;
  start: Dim;
  end: Dim;
  step: number;
}

/** What is asked of each sliced axis; undefined where axes or steps are not known. */
function slicedAxes(context: Pick<ShapedNode, 'node' | 'inputs'>): SlicedAxis[] | undefined {
  const { node, inputs } = context;
  const rank = required(context, 0).dims.length;
  const starts = inputs[1]?.elements;
  const ends = inputs[2]?.elements;
  if (!starts || !ends) return undefined;
  const axes = inputs[3] ? knownNumbers(inputs[3]) : starts.map((_, index) => index);
  const steps = inputs[4] ? knownNumbers(inputs[4]) : starts.map(() => 1);
  if (!axes || !steps) return undefined;
  if (starts.length !== ends.length || starts.length !== axes.length || starts.length !== steps.length)
    throw mismatch(node, `starts [${starts}], ends [${ends}], axes [${axes}] and steps [${steps}] differ in length.`);
  return starts.map((start, index) => {
    const step = steps[index] ?? 1;
    if (step === 0) throw mismatch(node, 'a step is 0.');
    return { axis: normalizeAxis(node, axes[index] ?? 0, rank), start, end: ends[index] ?? 0, step };
  });
}

/** The range that a slice takes of an axis of `extent` elements; bounds count from the end when negative, and are clamped. */
function rangeOf(start: number, end: number, step: number, extent: number): Range {
  const clamp = (bound: number, low: number, high: number) =>
    Math.min(Math.max(bound < 0 ? bound + extent : bound, low), high);
  const first = clamp(start, 0, step > 0 ? extent : extent - 1);
  const past = step > 0 ? clamp(end, 0, extent) : clamp(end, -1, extent - 1);
  return { start: first, step, length: Math.max(0, Math.ceil((past - first) / step)) };
}

/** The extent after slicing; the same symbol where the whole axis is taken. */
function slicedExtent(context: InferContext, { start, end, step }: SlicedAxis, extent: Dim): Dim {
  if (typeof start === 'number' && typeof end === 'number') {
    if (typeof extent === 'number') return rangeOf(start, end, step, extent).length;
    if (start === 0 && step === 1 && end >= 2 ** 31 - 1) return extent;
  }
  return start === 0 && step === 1 && end === extent ? extent : context.unknown();
}

/** Slice: starts, ends, axes and steps as in Python. */
export const slice: Operator = {
  op: 'Slice',
  infer: (context) => {
    const type = required(context, 0);
    const { dtype, dims } = type;
    const sliced = slicedAxes(context);
    if (!sliced) return [{ dtype, dims: dims.map(() => context.unknown()) }];
    const out = [...dims];
    for (const one of sliced) out[one.axis] = slicedExtent(context, one, dims[one.axis] ?? 0);
    const ranges = sliced.map(({ axis, start, end, step }) => {
      const extent = dims[axis];
      const settled = typeof start === 'number' && typeof end === 'number' && typeof extent === 'number';
      return { axis, range: settled ? rangeOf(start, end, step, extent) : undefined };
    });
    const known = ranges.every(({ range }) => range !== undefined);
    const source = (index: readonly number[]) => {
      const at = [...index];
      for (const { axis, range } of ranges) if (range) at[axis] = range.start + (at[axis] ?? 0) * range.step;
      return at;
    };
    return [{ dtype, dims: out, elements: known ? arrangedElements(type, out, source) : undefined }];
  },
  run: (context) => {
    const { tf } = context;
    let x = requiredTensor(context, 0);
    const begin = x.shape.map(() => 0);
    const size = [...x.shape];
    const strided: { axis: number; range: Range }[] = [];
    for (const { axis, start, end, step } of boundsAtRunTime(context)) {
      const physical = context.physicalAxis(axis, x.rank);
      const range = rangeOf(start, end, step, x.shape[physical] ?? 0);
      const reach = range.length === 0 ? 0 : (range.length - 1) * Math.abs(step) + 1;
      begin[physical] = range.length === 0 ? 0 : step > 0 ? range.start : range.start - reach + 1;
      size[physical] = reach;
      if (step !== 1 && range.length > 0) strided.push({ axis: physical, range });
    }
    x = tf.slice(x, begin, size);
    for (const { axis, range } of strided) x = everyNth(tf, x, axis, range);
    return [x];
  },
  cost: () => [],
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const [input, output] = [inputs[0], outputs[0]];
    const [from, to] = [node.inputs[0], node.outputs[0]];
    if (!input || !output || !from || !to) return [];
    const sliced = slicedAxes(shaped);
    const constant = sliced?.every(({ start, end }) => typeof start === 'number' && typeof end === 'number') ?? false;
    return input.dims.flatMap((extent, axis): Relation[] => {
      const cut = sliced?.find((one) => one.axis === axis);
      if (sliced && !cut) return tieAxes(wholeAxis(from, input, axis), wholeAxis(to, output, axis));
      if (typeof extent === 'string') return [];
      if (!cut || !constant)
        return [{ kind: 'pin', at: { value: from, axis }, reason: 'it is sliced at positions known only at run time' }];
      return tieRange(from, to, axis, rangeOf(Number(cut.start), Number(cut.end), cut.step, extent), extent);
    });
  },
  rewrite: (context) => {
    const { node, inputs, outputs, kept } = context;
    const sliced = slicedAxes(context);
    const cut = (axis: number) => kept({ value: node.inputs[0] ?? '', axis });
    if (!sliced?.some(({ axis }) => cut(axis))) return {};
    const bounds = sliced.map(({ axis, start, end, step }) => {
      const stay = cut(axis);
      if (!stay) return { start: safeBound(Number(start)), end: safeBound(Number(end)) };
      const range = rangeOf(Number(start), Number(end), step, Number(inputs[0]?.dims[axis]));
      const length = kept({ value: node.outputs[0] ?? '', axis })?.length ?? Number(outputs[0]?.dims[axis]);
      if (step > 0) {
        const first = stay.filter((index) => index < range.start).length;
        return { start: first, end: Math.min(first + length * step, Math.max(stay.length, first)) };
      }
      const first = stay.filter((index) => index <= range.start).length - 1;
      const past = first + length * step;
      return { start: first, end: past < 0 ? -stay.length - 1 : past };
    });
    const starts = int64(
      [bounds.length],
      bounds.map(({ start }) => start),
    );
    const ends = int64(
      [bounds.length],
      bounds.map(({ end }) => end),
    );
    return {
      constants: new Map([
        [1, starts],
        [2, ends],
      ]),
    };
  },
};

/** Exporters write "to the end" as 2^63 − 1, which a double rounds up and out of int64. */
function safeBound(bound: number): number {
  return Math.min(Math.max(bound, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

/**
 * Element j of the output is element start + j·step of the input. Where the step is more than one, the elements passed
 * over live and die with the one before them, so that what remains is again every step-th.
 */
function tieRange(from: string, to: string, axis: number, { start, step, length }: Range, extent: number): Relation[] {
  if (length === 0) return [];
  const reach = Math.abs(step);
  const available = step > 0 ? extent - start : start + 1;
  const blockOf = (count: number, offset: number, width: number): Relation => {
    const positions = Int32Array.from(
      { length: count * width },
      (_, index) => start + (offset * reach + index) * Math.sign(step),
    );
    const input = { value: from, axis, start: positions[0] ?? 0, length: positions.length };
    return {
      kind: 'same',
      a: step === 1 ? input : { ...input, at: positions },
      b: { value: to, axis, start: offset, length: count },
      blocks: count,
    };
  };
  const whole = Math.min(length, Math.floor(available / reach));
  const relations = whole > 0 ? [blockOf(whole, 0, reach)] : [];
  if (whole < length) relations.push(blockOf(1, whole, available - whole * reach));
  return relations;
}

/** The bounds as numbers: known ones, or those that the graph has computed. */
function boundsAtRunTime(context: RunContext): { axis: number; start: number; end: number; step: number }[] {
  const starts = requiredNumbers(context, 1);
  const ends = requiredNumbers(context, 2);
  const axes = numbersAtRunTime(context, 3) ?? starts.map((_, index) => index);
  const steps = numbersAtRunTime(context, 4) ?? starts.map(() => 1);
  const rank = required(context, 0).dims.length;
  return starts.map((start, index) => ({
    axis: normalizeAxis(context.node, axes[index] ?? 0, rank),
    start,
    end: ends[index] ?? 0,
    step: steps[index] ?? 1,
  }));
}

/**
 * Of an axis that holds exactly the span of `range`, every |step|-th element, reversed where the step is negative.
 * tfjs has no gradient for a strided slice; padding, reshaping and slicing have.
 */
function everyNth(tf: Tf, x: tfjs.Tensor, axis: number, { step, length }: Range): tfjs.Tensor {
  const forward = step > 0 ? x : tf.reverse(x, axis);
  const width = Math.abs(step);
  if (width === 1) return forward;
  const before = sizeOf(x.shape.slice(0, axis));
  const after = sizeOf(x.shape.slice(axis + 1));
  const flat = tf.reshape(forward, [before, x.shape[axis] ?? 0, after]);
  const padded = tf.pad(flat, [
    [0, 0],
    [0, length * width - (x.shape[axis] ?? 0)],
    [0, 0],
  ]);
  const blocks = tf.reshape(padded, [before, length, width * after]);
  return tf.reshape(tf.slice(blocks, [0, 0, 0], [before, length, after]), x.shape.with(axis, length));
}
