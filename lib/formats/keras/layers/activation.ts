/** Activations: layers of their own, and the `activation` of other layers. */

import { entryOf, fieldOf, flagOf, isObject, numberOf, refusal } from '../json.js';
import { add, elementwise, inputOf, type LayerKind, type Site, scalar, shaped, weight } from '../site.js';
import { axisIn, dimsOf, inKerasOrder, normalAxis, rankOf, type Value } from '../value.js';
import { permuted } from '../weights.js';

type Activation = (site: Site, x: Value) => Value;

const plain =
  (op: string, attributes = {}): Activation =>
  (site, x) =>
    elementwise(site, x, op, attributes);

/** Cut off above, and below where there is a bound. */
function clipped(site: Site, x: Value, low: number | undefined, high: number): Value {
  const bounds = [low === undefined ? '' : scalar(site, 'Clip/min', low), scalar(site, 'Clip/max', high)];
  return { ...x, name: add(site, 'Clip', [x.name, ...bounds], {}, 'Clip') };
}

const relu = plain('Relu');
const leaky = (slope: number): Activation => plain('LeakyRelu', { alpha: { float: slope } });
const elu = (alpha: number): Activation => plain('Elu', { alpha: { float: alpha } });

const silu: Activation = (site, x) => {
  const gate = elementwise(site, x, 'Sigmoid');
  return { ...x, name: add(site, 'Mul', [x.name, gate.name], {}, 'Mul') };
};

const softsign: Activation = (site, x) => {
  const size = elementwise(site, x, 'Abs');
  const divisor = add(site, 'Add', [size.name, scalar(site, 'softsign/one', 1)], {}, 'Add');
  return { ...x, name: add(site, 'Div', [x.name, divisor], {}, 'Div') };
};

/** Keras 3 has another slope than those before it. */
const hardSigmoid: Activation = (site, x) =>
  elementwise(site, x, 'HardSigmoid', { alpha: { float: site.version >= 3 ? 1 / 6 : 0.2 }, beta: { float: 0.5 } });

const gelu =
  (approximate: 'none' | 'tanh'): Activation =>
  (site, x) => {
    site.sketch.needs(20);
    return elementwise(site, x, 'Gelu', { approximate });
  };

const softmax =
  (op: string, axis = -1): Activation =>
  (site, value) => {
    const x = value.order === 'flattened' ? inKerasOrder(site.sketch, value) : value;
    const rank = rankOf(site.sketch, x);
    return elementwise(site, x, op, { axis: axisIn(x.order, normalAxis(axis, rank), rank) });
  };

const ACTIVATIONS: Record<string, Activation> = {
  linear: (_, x) => x,
  relu,
  relu6: (site, x) => clipped(site, x, 0, 6),
  leaky_relu: leaky(0.2),
  sigmoid: plain('Sigmoid'),
  tanh: plain('Tanh'),
  softmax: softmax('Softmax'),
  log_softmax: softmax('LogSoftmax'),
  swish: silu,
  silu,
  gelu: gelu('none'),
  elu: elu(1),
  selu: plain('Selu'),
  softplus: plain('Softplus'),
  softsign,
  exponential: plain('Exp'),
  hard_sigmoid: hardSigmoid,
  hard_silu: plain('HardSwish'),
  hard_swish: plain('HardSwish'),
  mish: plain('Mish'),
};

/** Layers that are activations, which other layers may have in place of a name. */
const LAYERS: Record<string, Activation> = {
  Activation: (site, x) => activated(site, x),
  ReLU: (site, x) => reluLayer(site, x),
  LeakyReLU: (site, x) => {
    const slope = numberOf(site.layer, 'alpha', numberOf(site.layer, 'negative_slope', 0.3));
    return leaky(slope)(site, x);
  },
  ELU: (site, x) => elu(numberOf(site.layer, 'alpha', 1))(site, x),
  Softmax: (site, x) => softmax('Softmax', numberOf(site.layer, 'axis', -1))(site, x),
  ThresholdedReLU: (site, x) => thresholded(site, x, numberOf(site.layer, 'theta', 1), 0),
};

/** What the layer's `activation` makes of a value: a name, a function by its name, or a layer. */
export function activated(site: Site, x: Value): Value {
  const setting = fieldOf(site.layer.config, 'activation') ?? 'linear';
  if (typeof setting === 'string') return byName(site, x, setting);
  const className = isObject(setting) ? fieldOf(setting, 'class_name') : undefined;
  const config = isObject(setting) ? fieldOf(setting, 'config') : undefined;
  // A function stands as { class_name: "function", config: "relu" }.
  if (typeof config === 'string') return byName(site, x, config);
  // An Activation within an activation could hold another one, and so on.
  const layer = typeof className === 'string' && className !== 'Activation' ? entryOf(LAYERS, className) : undefined;
  if (layer && typeof className === 'string' && isObject(config))
    return layer({ ...site, layer: { ...site.layer, className, config } }, x);
  throw refusal(
    site.layer,
    `its activation ${JSON.stringify(className ?? setting)?.slice(0, 80)} is not known.`,
    UNKNOWN_HINT,
  );
}

const UNKNOWN_HINT = 'Export the model to ONNX instead: model.export(path, format="onnx"), or tf2onnx.';

function byName(site: Site, x: Value, name: string): Value {
  const known = entryOf(ACTIVATIONS, name);
  if (known) return known(site, x);
  throw refusal(site.layer, `its activation "${name.slice(0, 80)}" is not known.`, UNKNOWN_HINT);
}

function reluLayer(site: Site, x: Value): Value {
  const { layer } = site;
  const slope = numberOf(layer, 'negative_slope', 0);
  const threshold = numberOf(layer, 'threshold', 0);
  const bounded = layer.config.max_value !== null && layer.config.max_value !== undefined;
  const high = bounded ? numberOf(layer, 'max_value', 0) : undefined;
  if (threshold === 0 && slope === 0) return high === undefined ? relu(site, x) : clipped(site, x, 0, high);
  const bent = threshold === 0 ? leaky(slope)(site, x) : thresholded(site, x, threshold, slope);
  return high === undefined ? bent : clipped(site, bent, undefined, high);
}

/** x above the threshold, slope · (x − threshold) up to it. */
function thresholded(site: Site, x: Value, threshold: number, slope: number): Value {
  const bound = scalar(site, 'threshold', threshold);
  const above = add(site, 'Greater', [x.name, bound], {}, 'Greater');
  const below = add(site, 'Sub', [x.name, bound], {}, 'Sub');
  const bent = add(site, 'Mul', [below, scalar(site, 'slope', slope)], {}, 'Mul');
  return { ...x, name: add(site, 'Where', [above, x.name, bent], {}, 'Where') };
}

/** A slope for each position; along shared axes one for all. */
function prelu(site: Site): Value {
  const input = inputOf(site);
  const x = input.order === 'flattened' ? inKerasOrder(site.sketch, input) : input;
  const rank = rankOf(site.sketch, x);
  const any = dimsOf(site.sketch, x)
    .slice(1)
    .map(() => undefined);
  const slope = weight(
    site,
    'alpha',
    (stored) => {
      shaped(site, 'alpha', stored, any);
      return x.order === 'channelsFirst' && rank > 2
        ? permuted(stored, [rank - 2, ...any.slice(1).map((_, axis) => axis)])
        : stored;
    },
    x.order === 'channelsFirst' ? '/channels_first' : '',
  );
  return { ...x, name: add(site, 'PRelu', [x.name, slope]) };
}

/** Plain functions of Keras 3, by the activations that they are. */
export const ACTIVATION_OPERATIONS = {
  HardSigmoid: 'hard_sigmoid',
  HardSilu: 'hard_silu',
  Relu: 'relu',
  Relu6: 'relu6',
  Selu: 'selu',
  Sigmoid: 'sigmoid',
  Silu: 'silu',
  Softplus: 'softplus',
  Tanh: 'tanh',
};

export const ACTIVATION_LAYERS: Record<string, LayerKind> = {
  ...Object.fromEntries(
    Object.entries(LAYERS).map(([name, activation]) => [
      name,
      { translate: (site: Site) => activation(site, inputOf(site)) },
    ]),
  ),
  PReLU: { variables: () => ['alpha'], translate: prelu },
  Gelu: { translate: (site) => gelu(flagOf(site.layer, 'approximate', true) ? 'tanh' : 'none')(site, inputOf(site)) },
  ...Object.fromEntries(
    Object.entries(ACTIVATION_OPERATIONS).map(([operation, name]) => [
      operation,
      { translate: (site: Site) => byName(site, inputOf(site), name) },
    ]),
  ),
};
