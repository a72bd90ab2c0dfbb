import { floatCost } from './broadcast.js';
import { rectify, rectify6 } from './fused-relu.js';
import { type Operator, type RunContext, required, requiredTensor, tieElementwise } from './operator.js';

/** A bound as a number where it is known, as the tensor otherwise; undefined when it is left out. */
function bound(context: RunContext, input: number) {
  const known = context.inputs[input]?.elements?.[0];
  return typeof known === 'number' ? known : context.tensors[input];
}

/** Clip: min(max(x, min), max); either bound may be left out. The gradient is that of the interval, ends included. */
export const clip: Operator = {
  op: 'Clip',
  infer: (context) => {
    const { dtype, dims, elements } = required(context, 0);
    const low = context.inputs[1] ? context.inputs[1].elements?.[0] : Number.NEGATIVE_INFINITY;
    const high = context.inputs[2] ? context.inputs[2].elements?.[0] : Number.POSITIVE_INFINITY;
    if (!elements || typeof low !== 'number' || typeof high !== 'number') return [{ dtype, dims }];
    const clipped = elements.map((x) => (typeof x === 'number' ? Math.min(Math.max(x, low), high) : context.unknown()));
    return [{ dtype, dims, elements: clipped }];
  },
  run: (context) => {
    const { tf } = context;
    const x = requiredTensor(context, 0);
    const low = bound(context, 1);
    const high = bound(context, 2);
    if (low === 0 && high === 6 && x.dtype === 'float32') return [rectify6(tf, x)];
    if (low === 0 && high === undefined && x.dtype === 'float32') return [rectify(tf, x)];
    if (typeof low === 'number' && typeof high === 'number' && low <= high && x.dtype === 'float32')
      return [tf.clipByValue(x, low, high)];
    const raised = low === undefined ? x : tf.maximum(x, asType(context, low, x.dtype));
    return [high === undefined ? tf.clone(raised) : tf.minimum(raised, asType(context, high, x.dtype))];
  },
  cost: floatCost,
  tie: (shaped) => tieElementwise(shaped, 0),
  // Relu6 and its like.
  role: ({ inputs }) => (inputs[1]?.elements?.[0] === 0 ? 'nonlinearity' : undefined),
};

function asType({ tf }: RunContext, limit: NonNullable<ReturnType<typeof bound>>, dtype: 'float32' | string) {
  return typeof limit === 'number' && dtype === 'int32' ? tf.scalar(limit, 'int32') : limit;
}
