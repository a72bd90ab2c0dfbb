/** Layers that do something in training alone. */

import { numberOf } from '../json.js';
import { add, inputOf, type LayerKind, type Site, scalar } from '../site.js';
import type { Value } from '../value.js';

/** One that drops elements each by itself goes on to do so where tascnet trains. */
function dropout(site: Site): Value {
  const input = inputOf(site);
  const { layer } = site;
  const ratio = numberOf(layer, 'rate', 0);
  const alike = layer.config.noise_shape === undefined || layer.config.noise_shape === null;
  if (!alike || !(ratio > 0 && ratio < 1)) return input;
  return { ...input, name: add(site, 'Dropout', [input.name, scalar(site, 'ratio', ratio)]) };
}

const IDENTITIES = [
  'ActivityRegularization',
  'AlphaDropout',
  'GaussianDropout',
  'GaussianNoise',
  'SpatialDropout1D',
  'SpatialDropout2D',
  'SpatialDropout3D',
  'StochasticDepth',
  'RandomBrightness',
  'RandomColorDegeneration',
  'RandomColorJitter',
  'RandomContrast',
  'RandomErasing',
  'RandomFlip',
  'RandomGaussianBlur',
  'RandomGrayscale',
  'RandomHue',
  'RandomInvert',
  'RandomPosterization',
  'RandomRotation',
  'RandomSaturation',
  'RandomSharpness',
  'RandomShear',
  'RandomTranslation',
  'RandomZoom',
];

export const REGULARIZATIONS: Record<string, LayerKind> = {
  Dropout: { translate: dropout },
  ...Object.fromEntries(IDENTITIES.map((name) => [name, { translate: inputOf }])),
};
