/** Normalisation, by statistics that were learnt or of the moment, and plain scaling. */

import { float32 } from '../../../graph/tensor.js';
import { axesOf, flagOf, numberOf, numbersOf, refusal, wholeOf } from '../json.js';
import { add, constant, inputOf, type LayerKind, type Site, shaped, vector, weight } from '../site.js';
import type { Layer } from '../topology.js';
import { dimsOf, inKerasOrder, normalAxis, type Order, rankOf, type Value, withChannelsFirst } from '../value.js';
import type { Stored } from '../weights.js';

const scaleOf = (layer: Layer) => (layer.config.scale === false ? [] : ['gamma']);
const centerOf = (layer: Layer) => (layer.config.center === false ? [] : ['beta']);

/** The value so that `axis` is the second one, which ONNX takes for the channels. */
function withChannelAxis(site: Site, axis: number): { x: Value; order: Order; channels: number | string | undefined } {
  const { sketch, layer } = site;
  const input = inputOf(site);
  const rank = rankOf(sketch, input);
  const normal = normalAxis(axis, rank);
  const channels = dimsOf(sketch, input)[normal];
  if (normal === rank - 1) {
    const x = withChannelsFirst(sketch, input);
    return { x, order: x.order, channels };
  }
  if (normal === 1) return { x: inKerasOrder(sketch, input), order: 'keras', channels };
  throw refusal(layer, `its axis ${axis} is neither the first nor the last one behind the batch.`);
}

/** A learnt vector, or a constant one where the layer does without. */
function vectorOr(site: Site, names: readonly string[], role: string, fill: number, length: number): string {
  const [name] = names;
  if (name !== undefined) return vector(site, name, length);
  return constant(site, role, () => float32([length], new Float32Array(length).fill(fill)));
}

function batchNormalization(site: Site): Value {
  const { layer } = site;
  const [axis = -1, ...others] = axesOf(layer, 'axis', [-1]);
  if (others.length > 0) throw refusal(layer, 'it has statistics along several axes.');
  const { x, order, channels } = withChannelAxis(site, axis);
  const length = Number(channels);
  if (!Number.isInteger(length)) throw refusal(layer, 'the number of channels that it reads is not told.');
  const inputs = [
    vectorOr(site, scaleOf(layer), 'gamma', 1, length),
    vectorOr(site, centerOf(layer), 'beta', 0, length),
    vector(site, 'moving_mean', length),
    vector(site, 'moving_variance', length),
  ];
  const attributes = {
    epsilon: { float: numberOf(layer, 'epsilon', 1e-3) },
    momentum: { float: numberOf(layer, 'momentum', 0.99) },
  };
  return { name: add(site, 'BatchNormalization', [x.name, ...inputs], attributes), order };
}

function layerNormalization(site: Site): Value {
  const { layer, sketch } = site;
  if (flagOf(layer, 'rms_scaling', false)) throw refusal(layer, 'rms_scaling is not supported.');
  const x = inKerasOrder(sketch, inputOf(site));
  const dims = sketch.dims(x.name);
  const axes = axesOf(layer, 'axis', [-1])
    .map((axis) => normalAxis(axis, dims.length))
    .sort((a, b) => a - b);
  const [first = 0] = axes;
  if (axes.length !== dims.length - first) throw refusal(layer, 'its axes are not the last ones.');
  const extents = dims.slice(first).map(Number);
  if (!extents.every(Number.isInteger)) throw refusal(layer, 'the extents that it normalises are not told.');
  const learnt = (variable: string) =>
    weight(site, variable, (stored: Stored) => shaped(site, variable, stored, extents));
  const scale =
    scaleOf(layer).map(learnt)[0] ??
    constant(site, 'gamma', () => float32(extents, new Float32Array(extents.reduce((a, b) => a * b, 1)).fill(1)));
  const attributes = { axis: first, epsilon: { float: numberOf(layer, 'epsilon', 1e-3) } };
  const inputs = [x.name, scale, ...centerOf(layer).map(learnt)];
  return { name: add(site, 'LayerNormalization', inputs, attributes), order: 'keras' };
}

function groupNormalization(site: Site): Value {
  const { layer, sketch } = site;
  const { x, order, channels } = withChannelAxis(site, numberOf(layer, 'axis', -1));
  const length = Number(channels);
  if (!Number.isInteger(length)) throw refusal(layer, 'the number of channels that it reads is not told.');
  const groups = layer.config.groups === -1 ? length : wholeOf(layer, 'groups', 32);
  // Before, the vectors had an element for each group.
  sketch.needs(21);
  const inputs = [
    vectorOr(site, scaleOf(layer), 'gamma', 1, length),
    vectorOr(site, centerOf(layer), 'beta', 0, length),
  ];
  const attributes = { num_groups: groups, epsilon: { float: numberOf(layer, 'epsilon', 1e-3) } };
  return { name: add(site, 'GroupNormalization', [x.name, ...inputs], attributes), order };
}

/** Numbers along the channels, as a constant that broadcasts against the value: one number, or one for each channel. */
function alongChannels(site: Site, role: string, values: readonly number[], { name, order }: Value): string {
  const rank = site.sketch.dims(name).length;
  const [only = 0] = values;
  return constant(site, role, () => {
    if (values.length === 1) return float32([], [only]);
    const ones = new Array<number>(order === 'channelsFirst' ? rank - 2 : 0).fill(1);
    return float32([values.length, ...ones], values);
  });
}

/** (x + shift) · factor. Steps that change nothing are left out. */
function shiftedAndScaled(site: Site, x: Value, shift: readonly number[], factor: readonly number[]): Value {
  let name = x.name;
  if (shift.some((value) => value !== 0))
    name = add(site, 'Add', [name, alongChannels(site, 'shift', shift, x)], {}, 'Add');
  if (factor.some((value) => value !== 1)) name = add(site, 'Mul', [name, alongChannels(site, 'factor', factor, x)]);
  return { ...x, name };
}

function rescaling(site: Site): Value {
  const { layer, sketch } = site;
  const input = inputOf(site);
  const x = input.order === 'flattened' ? inKerasOrder(sketch, input) : input;
  const scale = numbersOf(layer, 'scale');
  const offset = layer.config.offset === undefined ? [0] : numbersOf(layer, 'offset');
  const scaled = scale.some((value) => value !== 1)
    ? add(site, 'Mul', [x.name, alongChannels(site, 'scale', scale, x)])
    : x.name;
  if (offset.every((value) => value === 0)) return { ...x, name: scaled };
  return { ...x, name: add(site, 'Add', [scaled, alongChannels(site, 'offset', offset, x)], {}, 'Add') };
}

/** By mean and variance, which the settings tell or which were measured. */
function normalization(site: Site): Value {
  const { layer, sketch } = site;
  const input = inputOf(site);
  const x = input.order === 'flattened' ? inKerasOrder(sketch, input) : input;
  const rank = rankOf(sketch, x);
  const axes = layer.config.axis === null ? [] : axesOf(layer, 'axis', [-1]).map((axis) => normalAxis(axis, rank));
  if (axes.some((axis) => axis !== rank - 1)) throw refusal(layer, 'it has statistics along other axes than the last.');
  const given = layer.config.mean !== undefined && layer.config.mean !== null;
  const flat = (key: string): number[] =>
    given
      ? numbersOf({ ...layer, config: { [key]: flatList(layer.config[key]) } }, key)
      : Array.from(site.stored(key).data);
  const mean = flat('mean');
  const deviation = flat('variance').map((variance) => Math.max(Math.sqrt(variance), 1e-7));
  const invert = layer.config.invert === true;
  if (!invert)
    return shiftedAndScaled(
      site,
      x,
      mean.map((value) => -value),
      deviation.map((value) => 1 / value),
    );
  const scaled = shiftedAndScaled(site, x, [0], deviation);
  return { ...scaled, name: add(site, 'Add', [scaled.name, alongChannels(site, 'mean', mean, x)], {}, 'mean') };
}

function flatList(value: unknown): unknown {
  return Array.isArray(value) ? value.flat(8) : value;
}

/** ConvNeXt's: a factor for each channel. */
function layerScale(site: Site): Value {
  const { sketch } = site;
  const x = inKerasOrder(sketch, inputOf(site));
  return { name: add(site, 'Mul', [x.name, vector(site, 'gamma')]), order: 'keras' };
}

const BATCH: LayerKind = {
  variables: (layer) => [...scaleOf(layer), ...centerOf(layer), 'moving_mean', 'moving_variance'],
  translate: batchNormalization,
};

export const NORMALIZATIONS: Record<string, LayerKind> = {
  BatchNormalization: BATCH,
  // As the Keras of TensorFlow 1 names it.
  BatchNormalizationV1: BATCH,
  SyncBatchNormalization: BATCH,
  LayerNormalization: {
    variables: (layer) => [...scaleOf(layer), ...centerOf(layer)],
    translate: layerNormalization,
  },
  GroupNormalization: {
    variables: (layer) => [...scaleOf(layer), ...centerOf(layer)],
    translate: groupNormalization,
  },
  Rescaling: { translate: rescaling },
  Normalization: {
    variables: ({ config }) => (config.mean === undefined || config.mean === null ? ['mean', 'variance'] : []),
    translate: normalization,
  },
  LayerScale: { variables: () => ['gamma'], translate: layerScale },
};
