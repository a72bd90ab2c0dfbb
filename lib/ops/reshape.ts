import { intAttribute } from '../graph/attributes.js';
import type { Dim } from '../graph/graph.js';
import { int64 } from '../graph/tensor.js';
import { extentOf, productOf, symbolsWithout } from './elements.js';
import {
  type InferContext,
  mismatch,
  type Operator,
  type RunContext,
  required,
  requiredTensor,
  type ShapedNode,
} from './operator.js';
import { tieReshape } from './reshape-blocks.js';

/** The output's shape for a known target; 0 copies an extent (unless `allowzero`), −1 is what is left. */
function resolve(context: InferContext, from: readonly Dim[], target: readonly Dim[]): Dim[] {
  const { node } = context;
  const literalZero = intAttribute(node, 'allowzero', 0) !== 0;
  const dims = target.map((extent, axis): Dim => {
    if (extent !== 0 || literalZero) return extent;
    const copied = from[axis];
    if (copied === undefined)
      throw mismatch(node, `target [${target}] copies axis ${axis} of an input of ${from.length} axes.`);
    return copied;
  });
  const open = dims.indexOf(-1);
  if (open !== dims.lastIndexOf(-1)) throw mismatch(node, `target [${target}] has more than one -1.`);
  const wrong = dims.find((extent) => typeof extent === 'number' && (extent < -1 || !Number.isInteger(extent)));
  if (wrong !== undefined) throw mismatch(node, `target [${target}] has an extent of ${wrong}.`);
  const given = productOf(from);
  const asked = productOf(dims.filter((_, axis) => axis !== open));
  const more = symbolsWithout(given.symbols, asked.symbols);
  const missing = symbolsWithout(asked.symbols, given.symbols);
  if (missing.length > 0)
    return missing.length === 1 && more.length === 0 && open < 0
      ? solved(dims, missing, given.number / asked.number)
      : filled(dims, open, () => context.unknown());
  const ratio = given.number / asked.number;
  const fits =
    open < 0
      ? more.length > 0 || ratio === 1 || given.number === asked.number
      : Number.isInteger(ratio) || more.length > 0;
  if (!fits) throw mismatch(node, `an input of shape [${from}] cannot be reshaped to [${target}].`);
  if (open < 0) return dims;
  return filled(dims, open, () => extentOf({ number: ratio, symbols: more }) ?? context.unknown());
}

/** A symbol of the target that the input's numbers settle. */
function solved(dims: Dim[], [symbol]: string[], ratio: number): Dim[] {
  return dims.map((extent) => (extent === symbol && Number.isInteger(ratio) ? ratio : extent));
}

function filled(dims: Dim[], open: number, extent: () => Dim): Dim[] {
  return open < 0 ? dims : dims.with(open, extent());
}

/**
 * The concrete shape at run time: symbols stand for what the input's own extents turned out to be, and one that is
 * found nowhere is what is left.
 */
export function shapeAtRunTime(context: RunContext, targetInput: number): number[] {
  const from = required(context, 0).dims;
  const x = requiredTensor(context, 0);
  const bound = new Map<string, number>();
  for (const [axis, extent] of from.entries()) {
    const { number, symbols } = productOf([extent]);
    const [only, ...others] = symbols;
    if (only === undefined) continue;
    const own = x.shape[axis] ?? 1;
    if (others.length > 0) bound.set(String(extent), own);
    else bound.set(only, own / number);
  }
  const to = context.outputs[0]?.dims ?? [];
  const dims = to.map((extent) => {
    if (typeof extent === 'number') return extent;
    const { number, symbols } = productOf([extent]);
    const values = symbols.map((symbol) => bound.get(symbol) ?? -1);
    const told = values.includes(-1) ? -1 : values.reduce((product, value) => product * value, number);
    return bound.get(extent) ?? told;
  });
  if (dims.filter((extent) => extent < 0).length <= 1) return dims;
  const target = context.tensors[targetInput];
  if (!target) throw mismatch(context.node, `the extents of its output [${to}] cannot be told from its inputs.`);
  const literalZero = intAttribute(context.node, 'allowzero', 0) !== 0;
  return Array.from(target.dataSync(), (extent, axis) =>
    extent === 0 && !literalZero ? (x.shape[axis] ?? 1) : extent,
  );
}

/** The target that gives the output's shape after surgery; undefined where more than one extent cannot be written. */
function constantTarget({ inputs, outputs }: ShapedNode, extent: (axis: number) => Dim): number[] | undefined {
  const from = inputs[0]?.dims ?? [];
  let open = false;
  const target: number[] = [];
  for (const [axis, before] of (outputs[0]?.dims ?? []).entries()) {
    const now = extent(axis);
    if (typeof now === 'number') target.push(now);
    else if (before === from[axis]) target.push(0);
    else if (open) return undefined;
    else {
      open = true;
      target.push(-1);
    }
  }
  return target;
}

/** Reshape: the same elements in row-major order under another shape. */
export const reshape: Operator = {
  op: 'Reshape',
  passes: 'elements',
  layout: 'plain',
  infer: (context) => {
    const { dtype, dims, elements } = required(context, 0);
    const target = required(context, 1);
    if (target.elements) return [{ dtype, dims: resolve(context, dims, target.elements), elements }];
    const rank = target.dims[0];
    if (typeof rank !== 'number') return [];
    return [{ dtype, dims: Array.from({ length: rank }, () => context.unknown()), elements }];
  },
  run: (context) => [context.tf.reshape(requiredTensor(context, 0), shapeAtRunTime(context, 1))],
  cost: () => [],
  tie: (shaped) => {
    const [input, output] = [shaped.inputs[0], shaped.outputs[0]];
    const [from, to] = [shaped.node.inputs[0], shaped.node.outputs[0]];
    if (!input || !output || !from || !to) return [];
    const ties = tieReshape(from, input, to, output);
    if (constantTarget(shaped, (axis) => output.dims[axis] ?? 0)) return ties;
    const pin = { kind: 'pin', reason: 'the target shape has several extents known only at run time' } as const;
    const axes = [
      ...input.dims.map((_, axis) => ({ value: from, axis })),
      ...output.dims.map((_, axis) => ({ value: to, axis })),
    ];
    return [...ties, ...axes.map((at) => ({ ...pin, at, unlessShuffling: true }))];
  },
  rewrite: (context) => {
    const to = context.node.outputs[0] ?? '';
    const cut = context.outputs[0]?.dims.some((_, axis) => context.kept({ value: to, axis }));
    if (!cut) return {};
    const target = constantTarget(context, (axis) => context.extent({ value: to, axis }));
    if (!target) throw mismatch(context.node, 'its target shape has several extents known only at run time.');
    return { constants: new Map([[1, int64([target.length], target)]]), withoutAttributes: ['allowzero'] };
  },
};
