import type * as tfjs from '@tensorflow/tfjs-core';
import { normalizeAxis, stringAttribute } from '../graph/attributes.js';
import { int64 } from '../graph/tensor.js';
import { knownNumbers, requiredNumbers } from './elements.js';
import {
  mismatch,
  type Operator,
  type Relation,
  required,
  requiredTensor,
  type ShapedNode,
  type Tf,
  tieAxes,
  wholeAxis,
} from './operator.js';

interface AxisPad {
  axis: number;
  before: number;
  after: number;
}

function padsOf(context: Pick<ShapedNode, 'node' | 'inputs'>, pads: number[], named?: number[]): AxisPad[] {
  const rank = required(context, 0).dims.length;
  const axes = named ?? Array.from({ length: rank }, (_, axis) => axis);
  if (pads.length !== 2 * axes.length)
    throw mismatch(context.node, `pads [${pads}] should be ${2 * axes.length} numbers, two for each axis.`);
  return axes.map((axis, index) => ({
    axis: normalizeAxis(context.node, axis, rank),
    before: pads[index] ?? 0,
    after: pads[index + axes.length] ?? 0,
  }));
}

/** The pads by axis where they are known. */
function knownPads(context: Pick<ShapedNode, 'node' | 'inputs'>): AxisPad[] | undefined {
  const pads = knownNumbers(context.inputs[1]);
  const axes = knownNumbers(context.inputs[3]);
  return pads && (axes || !context.inputs[3]) ? padsOf(context, pads, axes) : undefined;
}

const MODES = ['constant', 'reflect', 'edge', 'wrap'];

function modeOf(context: Pick<ShapedNode, 'node'>): string {
  const mode = stringAttribute(context.node, 'mode', 'constant');
  if (!MODES.includes(mode)) throw mismatch(context.node, `mode "${mode}" is none of ${MODES.join(', ')}.`);
  return mode;
}

/** Pad: a border around each axis, of a constant or of repeated elements; negative pads cut. */
export const pad: Operator = {
  op: 'Pad',
  infer: (context) => {
    const { dtype, dims } = required(context, 0);
    const mode = modeOf(context);
    const pads = knownPads(context);
    if (!pads) return [{ dtype, dims: dims.map(() => context.unknown()) }];
    const out = [...dims];
    for (const { axis, before, after } of pads) {
      const extent = dims[axis] ?? 0;
      if (before === 0 && after === 0) continue;
      const padded = typeof extent === 'number' ? extent + before + after : undefined;
      if (padded !== undefined && padded < 0)
        throw mismatch(context.node, `pads ${before} and ${after} leave nothing of axis ${axis} of [${dims}].`);
      if (mode === 'reflect' && typeof extent === 'number' && Math.max(before, after) >= extent)
        throw mismatch(
          context.node,
          `reflecting ${Math.max(before, after)} elements needs more than ${extent} on axis ${axis}.`,
        );
      out[axis] = padded ?? context.unknown();
    }
    return [{ dtype, dims: out }];
  },
  run: (context) => {
    const { tf } = context;
    const mode = modeOf(context);
    const axes = context.inputs[3] ? requiredNumbers(context, 3) : undefined;
    let x = requiredTensor(context, 0);
    const pads = padsOf(context, requiredNumbers(context, 1), axes).map((one) => ({
      ...one,
      axis: context.physicalAxis(one.axis, x.rank),
    }));
    if (mode !== 'constant') {
      // Borders repeat what negative pads leave.
      x = cropped(tf, x, pads);
      for (const one of pads) x = repeatBorder(tf, x, mode, one);
      return [x];
    }
    const value = context.inputs[2] ? (requiredNumbers(context, 2)[0] ?? 0) : 0;
    const paddings = x.shape.map((): [number, number] => [0, 0]);
    for (const { axis, before, after } of pads) paddings[axis] = [Math.max(before, 0), Math.max(after, 0)];
    return [cropped(tf, tf.pad(x, paddings, value), pads)];
  },
  cost: () => [],
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const [input, output, from, to] = [inputs[0], outputs[0], node.inputs[0], node.outputs[0]];
    if (!input || !output || !from || !to) return [];
    const pads = knownPads(shaped);
    return input.dims.flatMap((extent, axis): Relation[] => {
      const one = pads?.find((entry) => entry.axis === axis);
      if (pads && (!one || (one.before === 0 && one.after === 0)))
        return tieAxes(wholeAxis(from, input, axis), wholeAxis(to, output, axis));
      if (typeof extent === 'string') return [];
      const pin = (reason: string): Relation[] =>
        [from, to].map((value) => ({ kind: 'pin', at: { value, axis }, reason }));
      if (!one) return pin('it is padded by what is known only at run time');
      if (modeOf(shaped) !== 'constant') return pin('it is padded with copies of its own elements');
      const length = extent + Math.min(one.before, 0) + Math.min(one.after, 0);
      if (length <= 0) return [];
      const a = { value: from, axis, start: Math.max(-one.before, 0), length };
      return [{ kind: 'same', a, b: { value: to, axis, start: Math.max(one.before, 0), length } }];
    });
  },
  rewrite: (context) => {
    const { node, inputs, outputs, kept } = context;
    const pads = knownPads(context);
    if (!pads) return {};
    const now = pads.map(({ axis, before, after }) => {
      const cut = [node.inputs[0], node.outputs[0]].some((value = '') => kept({ value, axis }));
      if (!cut) return { before, after };
      const extent = Number(inputs[0]?.dims[axis]);
      const padded = Number(outputs[0]?.dims[axis]);
      const stay = kept({ value: node.inputs[0] ?? '', axis });
      const stayPadded = kept({ value: node.outputs[0] ?? '', axis });
      const count = (list: Int32Array | undefined, low: number, high: number) =>
        list ? list.filter((index) => index >= low && index < high).length : Math.max(high - low, 0);
      return {
        before: before < 0 ? -count(stay, 0, -before) : count(stayPadded, 0, before),
        after: after < 0 ? -count(stay, extent + after, extent) : count(stayPadded, padded - after, padded),
      };
    });
    const numbers = [...now.map(({ before }) => before), ...now.map(({ after }) => after)];
    const before = [...pads.map((one) => one.before), ...pads.map((one) => one.after)];
    if (numbers.every((value, index) => value === before[index])) return {};
    return { constants: new Map([[1, int64([numbers.length], numbers)]]) };
  },
};

function cropped(tf: Tf, x: tfjs.Tensor, pads: AxisPad[]): tfjs.Tensor {
  if (pads.every(({ before, after }) => before >= 0 && after >= 0)) return x;
  const begin = x.shape.map(() => 0);
  const size = [...x.shape];
  for (const { axis, before, after } of pads) {
    begin[axis] = Math.max(-before, 0);
    size[axis] = (size[axis] ?? 0) + Math.min(before, 0) + Math.min(after, 0);
  }
  return tf.slice(x, begin, size);
}

/** One axis with its border; made of slices, since tfjs has a gradient for those on every backend. */
function repeatBorder(tf: Tf, x: tfjs.Tensor, mode: string, { axis, before, after }: AxisPad): tfjs.Tensor {
  if (before <= 0 && after <= 0) return x;
  const extent = x.shape[axis] ?? 0;
  const part = (start: number, length: number) =>
    tf.slice(
      x,
      x.shape.map((_, at) => (at === axis ? start : 0)),
      x.shape.with(axis, length),
    );
  const border = (count: number, end: 'before' | 'after'): tfjs.Tensor[] => {
    if (count <= 0) return [];
    if (mode === 'edge') return new Array<tfjs.Tensor>(count).fill(part(end === 'before' ? 0 : extent - 1, 1));
    if (mode === 'wrap') return [part(end === 'before' ? extent - count : 0, count)];
    return [tf.reverse(part(end === 'before' ? 1 : extent - 1 - count, count), axis)];
  };
  return tf.concat([...border(before, 'before'), x, ...border(after, 'after')], axis);
}
