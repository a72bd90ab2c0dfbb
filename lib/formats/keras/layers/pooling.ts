/** Pools over windows and over whole maps. */

import { flagOf, textOf, wholesOf } from '../json.js';
import { add, imageOf, type LayerKind, rankOfClass, type Site, wholes } from '../site.js';
import type { Value } from '../value.js';

function pool(site: Site, op: 'MaxPool' | 'AveragePool'): Value {
  const { layer } = site;
  const rank = rankOfClass(layer);
  const { value, order } = imageOf(site, rank);
  const kernel = wholesOf(layer, 'pool_size', rank, { fallback: 2 });
  const strides = wholesOf(layer, 'strides', rank, { fallback: kernel });
  // What stands outside the image counts neither as a maximum nor for an average; in ONNX that is the default.
  const pads = textOf(layer, 'padding', 'valid') === 'same' ? { auto_pad: 'SAME_UPPER' } : {};
  const from = op === 'MaxPool' ? behindPadOfAxes(site, value.name) : value.name;
  return { name: add(site, op, [from], { kernel_shape: kernel, strides, ...pads }), order };
}

/**
 * ONNX Runtime (1.30) puts a border of zeros that stands before a maximum into the maximum's own padding, where it counts as
 * less than any number. It leaves a Pad alone that names its axes.
 */
function behindPadOfAxes(site: Site, value: string): string {
  const pad = site.sketch.maker(value);
  if (pad?.op !== 'Pad' || pad.inputs.length > 2) return value;
  const axes = site.sketch.dims(value).map((_, axis) => axis);
  return add(site, 'Pad', [...pad.inputs, '', wholes(site, 'pad_axes', axes)], {}, 'pad');
}

function globalPool(site: Site, op: 'GlobalMaxPool' | 'GlobalAveragePool'): Value {
  const { layer } = site;
  const { value, order } = imageOf(site, rankOfClass(layer));
  const keep = flagOf(layer, 'keepdims', false);
  const pooled = add(site, op, [value.name], {}, keep ? '' : 'pool');
  if (keep) return { name: pooled, order };
  return { name: add(site, 'Flatten', [pooled], { axis: 1 }), order: 'keras' };
}

const MAX: LayerKind = { translate: (site) => pool(site, 'MaxPool') };
const AVERAGE: LayerKind = { translate: (site) => pool(site, 'AveragePool') };
const GLOBAL_MAX: LayerKind = { translate: (site) => globalPool(site, 'GlobalMaxPool') };
const GLOBAL_AVERAGE: LayerKind = { translate: (site) => globalPool(site, 'GlobalAveragePool') };

export const POOLS: Record<string, LayerKind> = {
  MaxPooling1D: MAX,
  MaxPooling2D: MAX,
  MaxPooling3D: MAX,
  AveragePooling1D: AVERAGE,
  AveragePooling2D: AVERAGE,
  AveragePooling3D: AVERAGE,
  GlobalMaxPooling1D: GLOBAL_MAX,
  GlobalMaxPooling2D: GLOBAL_MAX,
  GlobalMaxPooling3D: GLOBAL_MAX,
  GlobalAveragePooling1D: GLOBAL_AVERAGE,
  GlobalAveragePooling2D: GLOBAL_AVERAGE,
  GlobalAveragePooling3D: GLOBAL_AVERAGE,
};
