import { stringAttribute } from '../graph/attributes.js';
import type { Dim } from '../graph/graph.js';
import { isConcrete } from './broadcast.js';
import { knownNumbers } from './elements.js';
import { fromTheFront, indexedAxes, placeOf, scatterSlices } from './indexed-slices.js';
import {
  mismatch,
  type Operator,
  type Relation,
  required,
  requiredTensor,
  type ShapedNode,
  tieAxes,
  tieElementwise,
  type ValueType,
  wholeAxis,
} from './operator.js';

const REDUCTIONS = ['none', 'add', 'mul', 'max', 'min'];

function reductionOf({ node }: Pick<ShapedNode, 'node'>): string {
  const reduction = stringAttribute(node, 'reduction', 'none');
  if (!REDUCTIONS.includes(reduction))
    throw mismatch(node, `reduction "${reduction}" is none of ${REDUCTIONS.join(', ')}.`);
  return reduction;
}

/** What is written where, in constants of which everything is known. */
function writtenElements(context: Pick<ShapedNode, 'node' | 'inputs'>, type: ValueType): Dim[] | undefined {
  const { dims, elements } = type;
  const indices = knownNumbers(context.inputs[1]);
  const updates = context.inputs[2]?.elements;
  if (!elements || !indices || !updates || !isConcrete(dims) || reductionOf(context) !== 'none') return undefined;
  const count = indexedAxes(context);
  const size = dims.slice(count).reduce((product, extent) => product * extent, 1);
  const out = [...elements];
  for (let row = 0; row < indices.length / count; row++) {
    const place = placeOf(context, indices.slice(row * count, (row + 1) * count), dims);
    for (let at = 0; at < size; at++) out[place * size + at] = updates[row * size + at] ?? 0;
  }
  return out;
}

/** ScatterND: input 0 with input 2 in place of (or added to) the elements or slices that the rows of input 1 name. */
export const scatterND: Operator = {
  op: 'ScatterND',
  layout: 'plain',
  infer: (context) => {
    const type = required(context, 0);
    const [indices, updates] = [required(context, 1), required(context, 2)];
    reductionOf(context);
    const wanted = [...indices.dims.slice(0, -1), ...type.dims.slice(indexedAxes(context))];
    if (
      updates.dims.length !== wanted.length ||
      wanted.some((extent, axis) => isConcrete([extent, updates.dims[axis] ?? 0]) && extent !== updates.dims[axis])
    )
      throw mismatch(context.node, `updates [${updates.dims}] should be [${wanted}].`);
    return [{ dtype: type.dtype, dims: type.dims, elements: writtenElements(context, type) }];
  },
  run: (context) => {
    const { tf } = context;
    const reduction = reductionOf(context);
    if (reduction !== 'none' && reduction !== 'add')
      throw mismatch(context.node, `the engine cannot compute reduction "${reduction}".`);
    const [data, updates] = [requiredTensor(context, 0), requiredTensor(context, 2)];
    const indices = fromTheFront(tf, requiredTensor(context, 1), data.shape.slice(0, indexedAxes(context)));
    const written = scatterSlices(tf, indices, updates, data.shape);
    if (reduction === 'add') return [tf.add(data, written)];
    const places = tf.scatterND(indices, tf.ones(updates.shape, 'int32'), data.shape);
    return [tf.where(tf.greater(places, 0), written, data)];
  },
  cost: () => [],
  tie: (shaped) => {
    const { node, inputs, outputs } = shaped;
    const [from = '', , values = ''] = node.inputs;
    const [type, indices, updates, output] = [inputs[0], inputs[1], inputs[2], outputs[0]];
    if (!type || !indices || !updates || !output) return [];
    const count = indexedAxes(shaped);
    const pin = (value: string, axis: number): Relation => {
      return { kind: 'pin', at: { value, axis }, reason: 'its elements are written by index' };
    };
    const pins = [
      ...type.dims.slice(0, count).map((_, axis) => pin(from, axis)),
      ...indices.dims.slice(0, -1).map((_, axis) => pin(values, axis)),
    ];
    const slices = type.dims.slice(count).flatMap((_, at) => {
      const own = wholeAxis(from, type, count + at);
      return tieAxes(own, wholeAxis(values, updates, indices.dims.length - 1 + at));
    });
    return [...tieElementwise(shaped, 0), ...pins, ...slices];
  },
};
