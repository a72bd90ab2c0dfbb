/** Layers and plain operations that put several values together, element by element or side by side. */

import { axesOf, entryOf, flagOf, numberOf, refusal, textOf } from '../json.js';
import { add, inputOf, type LayerKind, type Site, scalar, wholes } from '../site.js';
import { axisIn, inKerasOrder, inOneOrder, normalAxis, rankOf, type Value } from '../value.js';

/** The operands in one order, numbers as constants. */
function operandsOf(site: Site): { names: string[]; like: Value } {
  const { layer, sketch, operands } = site;
  const values = inOneOrder(sketch, site.inputs);
  const [like] = values;
  if (!like) throw refusal(layer, 'it reads no tensor.');
  const ranks = new Set(values.map((value) => rankOf(sketch, value)));
  if (ranks.size > 1)
    throw refusal(layer, `it reads tensors of ${[...ranks].sort().join(' and ')} axes, which are not alike.`);
  let next = 0;
  const names = operands.map((operand, index) =>
    typeof operand === 'number' ? scalar(site, `operand${index}`, operand) : (values[next++] ?? like).name,
  );
  return { names, like };
}

/** Of any number of operands at once. */
const together =
  (op: string, ofTwo = op): LayerKind['translate'] =>
  (site) => {
    const { names, like } = operandsOf(site);
    return { ...like, name: names.length === 1 ? like.name : add(site, names.length === 2 ? ofTwo : op, names) };
  };

/** Of two operands at a time. */
const pairwise =
  (op: string): LayerKind['translate'] =>
  (site) => {
    const { names, like } = operandsOf(site);
    const [first = like.name, ...others] = names;
    const last = others.length - 1;
    const name = others.reduce((a, b, index) => add(site, op, [a, b], {}, index === last ? '' : op), first);
    return { ...like, name };
  };

function concatenated(site: Site): Value {
  const { layer, sketch } = site;
  const values = inOneOrder(
    sketch,
    site.inputs.map((value) => (value.order === 'flattened' ? inKerasOrder(sketch, value) : value)),
  );
  const [like] = values;
  if (!like) throw refusal(layer, 'it reads no tensor.');
  const rank = rankOf(sketch, like);
  const axis = axisIn(like.order, normalAxis(numberOf(layer, 'axis', -1), rank), rank);
  const name = add(
    site,
    'Concat',
    values.map((value) => value.name),
    { axis },
  );
  return { name, order: like.order };
}

/** Functions of tensors that models call without a layer, by the names that TensorFlow has for them. */
const FUNCTIONS: Record<string, LayerKind['translate']> = {
  '__operators__.add': together('Sum', 'Add'),
  'math.add': together('Sum', 'Add'),
  'math.subtract': pairwise('Sub'),
  'math.multiply': pairwise('Mul'),
  'math.truediv': pairwise('Div'),
  'math.divide': pairwise('Div'),
  'math.maximum': together('Max'),
  'math.minimum': together('Min'),
  'nn.relu': (site) => ({ ...inputOf(site), name: add(site, 'Relu', [inputOf(site).name]) }),
  'nn.relu6': (site) => {
    const bounds = [scalar(site, 'min', 0), scalar(site, 'max', 6)];
    return { ...inputOf(site), name: add(site, 'Clip', [inputOf(site).name, ...bounds]) };
  },
};

function functionCall(site: Site): Value {
  const name = textOf(site.layer, 'function', '');
  const known = entryOf(FUNCTIONS, name);
  if (known) return known(site);
  throw refusal(
    site.layer,
    `the function "${name}" of TensorFlow is not known.`,
    'Export the model to ONNX instead, such as by tf2onnx.',
  );
}

/** The mean or the largest along axes of Keras. */
const reduced =
  (op: string): LayerKind['translate'] =>
  (site) => {
    const { layer, sketch } = site;
    const input = inputOf(site);
    const rank = rankOf(sketch, input);
    const all = Array.from({ length: rank }, (_, axis) => axis);
    const axes = axesOf(layer, 'axis', all)
      .map((axis) => normalAxis(axis, rank))
      .sort((a, b) => a - b);
    const keepdims = flagOf(layer, 'keepdims', false);
    const spatial = rank > 2 && axes.join() === all.slice(1, -1).join();
    // What is left of a map in each channel is the same in either order.
    const x = input.order === 'channelsFirst' && (keepdims || spatial) ? input : inKerasOrder(sketch, input);
    const where = wholes(
      site,
      'axes',
      axes.map((axis) => axisIn(x.order, axis, rank)),
    );
    const name = add(site, op, [x.name, where], { keepdims: keepdims ? 1 : 0 });
    return { name, order: keepdims ? x.order : 'keras' };
  };

const kind = (translate: LayerKind['translate']): LayerKind => ({ translate });

export const MERGES: Record<string, LayerKind> = {
  Add: kind(together('Sum', 'Add')),
  Average: kind(together('Mean')),
  Concatenate: kind(concatenated),
  Divide: kind(pairwise('Div')),
  Maximum: kind(together('Max')),
  Mean: kind(reduced('ReduceMean')),
  Max: kind(reduced('ReduceMax')),
  Minimum: kind(together('Min')),
  Multiply: kind(pairwise('Mul')),
  Subtract: kind(pairwise('Sub')),
  TFOpLambda: kind(functionCall),
  TrueDivide: kind(pairwise('Div')),
};
