/** Convolutions: plain, depthwise, separable, transposed. */

import { refusal, textOf, wholeOf, wholesOf } from '../json.js';
import { add, imageOf, type LayerKind, rankOfClass, type Site, shaped, vector, weight } from '../site.js';
import type { Attributes } from '../sketch.js';
import type { Layer } from '../topology.js';
import type { Value } from '../value.js';
import { permuted, reshaped } from '../weights.js';
import { activated } from './activation.js';

const bias = (layer: Layer) => (layer.config.use_bias === false ? [] : ['bias']);

interface Geometry {
  kernel: number[];
  strides: number[];
  dilations: number[];
}

function geometryOf(layer: Layer): Geometry {
  const rank = rankOfClass(layer);
  return {
    kernel: wholesOf(layer, 'kernel_size', rank),
    strides: wholesOf(layer, 'strides', rank, { fallback: 1 }),
    dilations: wholesOf(layer, 'dilation_rate', rank, { fallback: 1 }),
  };
}

/** The elements that a kernel reaches over, less one. */
function reach({ kernel, dilations }: Geometry): number[] {
  return kernel.map((extent, axis) => (extent - 1) * (dilations[axis] ?? 1));
}

/**
 * As many elements on either side, the odd one behind: what TensorFlow calls SAME. Where strides are 1 that does not depend
 * on the extent of the image; ONNX Runtime computes it by itself only without dilations.
 */
function windowAttributes(layer: Layer, geometry: Geometry): Attributes {
  const { kernel, strides, dilations } = geometry;
  const plain = { kernel_shape: kernel, strides, dilations };
  const padding = textOf(layer, 'padding', 'valid');
  const over = reach(geometry);
  if (padding === 'valid') return plain;
  if (padding === 'causal') return { ...plain, pads: [...over, ...over.map(() => 0)] };
  if (padding !== 'same') throw refusal(layer, `its padding "${padding}" is not known.`);
  if (strides.some((stride) => stride > 1)) {
    if (dilations.every((dilation) => dilation === 1)) return { ...plain, auto_pad: 'SAME_UPPER' };
    throw refusal(layer, 'it has both strides and dilations.');
  }
  return { ...plain, pads: [...over.map((each) => Math.floor(each / 2)), ...over.map((each) => Math.ceil(each / 2))] };
}

const axes = (count: number, first = 0) => Array.from({ length: count }, (_, axis) => axis + first);

/** A Conv with this kernel, and the layer's bias where it has one. */
function convolved(
  site: Site,
  from: Value,
  kernel: string,
  attributes: Attributes,
  withBias: boolean,
  part = '',
): Value {
  const vectors = withBias ? bias(site.layer).map((name) => vector(site, name)) : [];
  return { ...from, name: add(site, 'Conv', [from.name, kernel, ...vectors], attributes, part) };
}

/** The kernel with its last axis first and the one before it second: [H, W, I, O] → [O, I, H, W]. */
function turned(site: Site, variable: string, extents: readonly (number | undefined)[]): string {
  const rank = extents.length - 2;
  return weight(site, variable, (stored) =>
    permuted(shaped(site, variable, stored, extents), [rank + 1, rank, ...axes(rank)]),
  );
}

function convolution(site: Site): Value {
  const { layer } = site;
  const { value, order } = imageOf(site, rankOfClass(layer));
  const geometry = geometryOf(layer);
  const filters = wholeOf(layer, 'filters');
  const kernel = turned(site, 'kernel', [...geometry.kernel, undefined, filters]);
  const attributes = { ...windowAttributes(layer, geometry), group: wholeOf(layer, 'groups', 1) };
  return activated(site, convolved(site, { ...value, order }, kernel, attributes, true));
}

/** [H, W, C, m] → [C·m, 1, H, W]. What m is the kernel tells: tfjs does not write it down. */
function depthwiseKernel(site: Site, { kernel }: Geometry, channels: number): { name: string; group: number } {
  const rank = kernel.length;
  const name = weight(site, 'depthwise_kernel', (stored) => {
    const { dims } = shaped(site, 'depthwise_kernel', stored, [...kernel, channels, undefined]);
    const moved = permuted(stored, [rank, rank + 1, ...axes(rank)]);
    return reshaped(moved, [channels * (dims[rank + 1] ?? 1), 1, ...kernel]);
  });
  return { name, group: channels };
}

function depthwise(site: Site): Value {
  const { layer } = site;
  const { value, order, channels } = imageOf(site, rankOfClass(layer));
  const geometry = geometryOf(layer);
  const kernel = depthwiseKernel(site, geometry, channels);
  const attributes = { ...windowAttributes(layer, geometry), group: kernel.group };
  return activated(site, convolved(site, { ...value, order }, kernel.name, attributes, true));
}

function separable(site: Site): Value {
  const { layer } = site;
  const { value, order, rank, channels } = imageOf(site, rankOfClass(layer));
  const geometry = geometryOf(layer);
  const filters = wholeOf(layer, 'filters');
  const kernel = depthwiseKernel(site, geometry, channels);
  const attributes = { ...windowAttributes(layer, geometry), group: kernel.group };
  const deep = convolved(site, { ...value, order }, kernel.name, attributes, false, 'depthwise');
  const one = new Array<number>(rank).fill(1);
  const point = turned(site, 'pointwise_kernel', [...one, undefined, filters]);
  return activated(site, convolved(site, deep, point, { kernel_shape: one }, true));
}

/** [H, W, O, I] → [I, O, H, W]. The whole result is cut, or gets zeros behind it, to the extent that Keras gives it. */
function transposed(site: Site): Value {
  const { layer } = site;
  const { value, order, rank } = imageOf(site, rankOfClass(layer));
  const geometry = geometryOf(layer);
  const filters = wholeOf(layer, 'filters');
  const kernel = turned(site, 'kernel', [...geometry.kernel, filters, undefined]);
  const given = layer.config.output_padding;
  const extra =
    given === null || given === undefined ? undefined : wholesOf(layer, 'output_padding', rank, { least: 0 });
  const same = textOf(layer, 'padding', 'valid') === 'same';
  const cut = reach(geometry).map((over, axis) => {
    const stride = geometry.strides[axis] ?? 1;
    const added = extra?.[axis];
    if (!same) return -(added ?? Math.max(stride - over - 1, 0));
    return added === undefined ? over + 1 - stride : 2 * Math.floor((over + 1) / 2) - added;
  });
  const before = cut.map((each) => Math.floor(Math.max(each, 0) / 2));
  const behind = cut.map((each) => Math.ceil(Math.max(each, 0) / 2));
  const attributes = {
    ...{ kernel_shape: geometry.kernel, strides: geometry.strides, dilations: geometry.dilations },
    pads: [...before, ...behind],
    output_padding: cut.map((each) => Math.max(-each, 0)),
  };
  const vectors = bias(layer).map((name) => vector(site, name, filters));
  const name = add(site, 'ConvTranspose', [value.name, kernel, ...vectors], attributes);
  return activated(site, { name, order });
}

const CONVOLUTION: LayerKind = { variables: (layer) => ['kernel', ...bias(layer)], translate: convolution };
const TRANSPOSED: LayerKind = { variables: (layer) => ['kernel', ...bias(layer)], translate: transposed };
const DEPTHWISE: LayerKind = { variables: (layer) => ['depthwise_kernel', ...bias(layer)], translate: depthwise };
const SEPARABLE: LayerKind = {
  variables: (layer) => ['depthwise_kernel', 'pointwise_kernel', ...bias(layer)],
  translate: separable,
};

export const CONVOLUTIONS: Record<string, LayerKind> = {
  Conv1D: CONVOLUTION,
  Conv2D: CONVOLUTION,
  Conv3D: CONVOLUTION,
  Convolution1D: CONVOLUTION,
  Convolution2D: CONVOLUTION,
  Conv1DTranspose: TRANSPOSED,
  Conv2DTranspose: TRANSPOSED,
  DepthwiseConv1D: DEPTHWISE,
  DepthwiseConv2D: DEPTHWISE,
  SeparableConv1D: SEPARABLE,
  SeparableConv2D: SEPARABLE,
};
