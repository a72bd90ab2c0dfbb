/** A layer where it is called: what it reads, its weights, and where its nodes go. */

import { float32, int64, type Tensor } from '../../graph/tensor.js';
import { refusal } from './json.js';
import type { Attributes, Sketch } from './sketch.js';
import type { Layer } from './topology.js';
import { inKerasOrder, type Order, rankOf, type Value, withChannelsFirst } from './value.js';
import type { Stored } from './weights.js';

export interface Site {
  layer: Layer;
  sketch: Sketch;
  /** Names of its nodes begin with this. */
  name: string;
  /** The major version of Keras that wrote the model. */
  version: number;
  /** Values and numbers, in order; the values alone are `inputs`. */
  operands: readonly (Value | number)[];
  inputs: readonly Value[];
  /** Its weights as they are in the file, by the names of `LayerKind.variables`. */
  stored(variable: string): Stored;
}

/** How layers of a class become nodes. */
export interface LayerKind {
  /** The names of its variables, in the order in which Keras makes them. Default: it has none. */
  variables?(layer: Layer): readonly string[];
  translate(site: Site): Value;
}

/** The one value that a layer reads. */
export function inputOf({ layer, inputs }: Site): Value {
  const [value] = inputs;
  if (value && inputs.length === 1) return value;
  throw refusal(layer, `it reads ${inputs.length} tensors; one was expected.`);
}

/** Adds a node named after the layer, or with a name of its own behind it. */
export function add(site: Site, op: string, inputs: readonly string[], attributes: Attributes = {}, part = ''): string {
  return site.sketch.add(op, inputs, part === '' ? site.name : `${site.name}/${part}`, attributes);
}

/** What an operator that works element by element makes of a value. */
export function elementwise(site: Site, value: Value, op: string, attributes: Attributes = {}, part = op): Value {
  return { ...value, name: add(site, op, [value.name], attributes, part) };
}

/** The initializer of a variable, one for all calls of the layer, as `arranged` makes it of what the file has. `variant`: where inputs tell how. */
export function weight(site: Site, variable: string, arranged: (stored: Stored) => Stored, variant = ''): string {
  const { layer, sketch } = site;
  return sketch.weight(`${layer.path.join('/')}/${variable}${variant}`, () => {
    const { dims, data } = arranged(site.stored(variable));
    return float32(dims, data);
  });
}

/** A vector of a known length, as it is. */
export function vector(site: Site, variable: string, length?: number): string {
  return weight(site, variable, (stored) => shaped(site, variable, stored, [length]));
}

/** A constant that the layer's settings tell, and what it reads: each call of the layer has its own. */
export function constant(site: Site, role: string, make: () => Tensor): string {
  return site.sketch.weight(`${site.name}/${role}`, make);
}

export function scalar(site: Site, role: string, value: number): string {
  return constant(site, role, () => float32([], [value]));
}

export function wholes(site: Site, role: string, values: readonly number[]): string {
  return constant(site, role, () => int64([values.length], values));
}

/** The weight, which must have these extents; undefined for any. */
export function shaped(
  site: Site,
  variable: string,
  stored: Stored,
  expected: readonly (number | undefined)[],
): Stored {
  const { dims } = stored;
  if (dims.length === expected.length && dims.every((extent, axis) => extent === (expected[axis] ?? extent)))
    return stored;
  const wanted = expected.map((extent) => extent ?? '?').join(',');
  throw refusal(site.layer, `its ${variable} has the shape [${dims}] in the file; [${wanted}] was expected.`);
}

export interface Image {
  value: Value;
  order: Order;
  /** The number of spatial axes. */
  rank: number;
  channels: number;
}

/**
 * What a layer that slides over space reads, as ONNX wants it: channels first. Where the layer itself has them first, that
 * is Keras's order, and so is what it gives.
 */
export function imageOf(site: Site, rank?: number): Image {
  const { sketch, layer } = site;
  const input = inputOf(site);
  const spatial = rankOf(sketch, input) - 2;
  if (spatial < 1 || spatial !== (rank ?? spatial))
    throw refusal(layer, `it reads a tensor of ${spatial + 2} axes; ${(rank ?? 1) + 2} were expected.`);
  const first = layer.config.data_format === 'channels_first';
  const value = (first ? inKerasOrder : withChannelsFirst)(sketch, input);
  const channels = sketch.dims(value.name)[1];
  if (typeof channels !== 'number') throw refusal(layer, 'the number of channels that it reads is not told.');
  return { value, order: first ? 'keras' : 'channelsFirst', rank: spatial, channels };
}

/** The number of spatial axes that the class tells: Conv2D has two. */
export function rankOfClass({ className }: Layer): number {
  return Number(/([123])D/.exec(className)?.[1] ?? 2);
}
