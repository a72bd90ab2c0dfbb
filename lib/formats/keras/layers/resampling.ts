/** Layers that add, take away or interpolate positions. */

import { float32, int64 } from '../../../graph/tensor.js';
import { bordersOf, flagOf, refusal, textOf, wholesOf } from '../json.js';
import { add, constant, imageOf, type LayerKind, rankOfClass, type Site, wholes } from '../site.js';
import type { Value } from '../value.js';

function zeroPadding(site: Site): Value {
  const { value, order, rank } = imageOf(site, rankOfClass(site.layer));
  const borders = bordersOf(site.layer, 'padding', rank);
  const pads = [0, 0, ...borders.map(([before]) => before), 0, 0, ...borders.map(([, after]) => after)];
  return { name: add(site, 'Pad', [value.name, wholes(site, 'pads', pads)]), order };
}

const TO_THE_END = 2 ** 31 - 1;

function cropping(site: Site): Value {
  const { value, order, rank } = imageOf(site, rankOfClass(site.layer));
  const borders = bordersOf(site.layer, 'cropping', rank);
  const starts = wholes(
    site,
    'starts',
    borders.map(([before]) => before),
  );
  const ends = wholes(
    site,
    'ends',
    borders.map(([, after]) => (after === 0 ? TO_THE_END : -after)),
  );
  const axes = wholes(
    site,
    'axes',
    borders.map((_, axis) => axis + 2),
  );
  return { name: add(site, 'Slice', [value.name, starts, ends, axes]), order };
}

/** Pixels are squares whose middles count, as tf.image.resize has it. */
function interpolation(site: Site): Record<string, string> {
  const mode = textOf(site.layer, 'interpolation', site.layer.className === 'Resizing' ? 'bilinear' : 'nearest');
  if (mode === 'bilinear') return { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
  if (mode === 'nearest')
    return { mode: 'nearest', coordinate_transformation_mode: 'half_pixel', nearest_mode: 'round_prefer_ceil' };
  throw refusal(site.layer, `its interpolation "${mode}" is not supported; nearest or bilinear was expected.`);
}

function upSampling(site: Site): Value {
  const { value, order, rank } = imageOf(site, rankOfClass(site.layer));
  const factors = wholesOf(site.layer, 'size', rank, { fallback: 2 });
  const attributes = interpolation(site);
  // Whole factors repeat pixels.
  const simple = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  const scales = constant(site, 'scales', () => float32([rank + 2], [1, 1, ...factors]));
  const chosen = attributes.mode === 'nearest' ? simple : attributes;
  return { name: add(site, 'Resize', [value.name, '', scales], chosen), order };
}

function resizing(site: Site): Value {
  const { layer } = site;
  const { value, order } = imageOf(site, 2);
  if (['crop_to_aspect_ratio', 'pad_to_aspect_ratio', 'antialias'].some((key) => flagOf(layer, key, false)))
    throw refusal(layer, 'it keeps the aspect ratio or smooths; that is not supported.');
  const [height = 1] = wholesOf(layer, 'height', 1);
  const [width = 1] = wholesOf(layer, 'width', 1);
  const sizes = constant(site, 'sizes', () => int64([2], [height, width]));
  const attributes = { ...interpolation(site), axes: [2, 3] };
  return { name: add(site, 'Resize', [value.name, '', '', sizes], attributes), order };
}

export const RESAMPLINGS: Record<string, LayerKind> = {
  Cropping1D: { translate: cropping },
  Cropping2D: { translate: cropping },
  Cropping3D: { translate: cropping },
  Resizing: { translate: resizing },
  UpSampling1D: { translate: upSampling },
  UpSampling2D: { translate: upSampling },
  UpSampling3D: { translate: upSampling },
  ZeroPadding1D: { translate: zeroPadding },
  ZeroPadding2D: { translate: zeroPadding },
  ZeroPadding3D: { translate: zeroPadding },
};
