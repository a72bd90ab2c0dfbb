/** Every class of layer that tascnet reads. Adding one is adding it to the file of its theme. */

import { refusal } from '../json.js';
import type { LayerKind } from '../site.js';
import type { Layer } from '../topology.js';
import { ACTIVATION_LAYERS, ACTIVATION_OPERATIONS } from './activation.js';
import { CONVOLUTIONS } from './convolution.js';
import { DENSE_LAYERS } from './dense.js';
import { MERGES } from './merging.js';
import { NORMALIZATIONS } from './normalization.js';
import { POOLS } from './pooling.js';
import { REGULARIZATIONS } from './regularization.js';
import { RESAMPLINGS } from './resampling.js';
import { SHAPES } from './shape.js';

const KINDS = new Map<string, LayerKind>(
  [
    ACTIVATION_LAYERS,
    CONVOLUTIONS,
    DENSE_LAYERS,
    MERGES,
    NORMALIZATIONS,
    POOLS,
    REGULARIZATIONS,
    RESAMPLINGS,
    SHAPES,
  ].flatMap((kinds) => Object.entries(kinds)),
);

/** Functions of tensors; a layer of such a name is somebody's own. */
const OPERATIONS = new Set(['Gelu', 'Mean', 'Max', 'TrueDivide', ...Object.keys(ACTIVATION_OPERATIONS)]);

/** @throws TascnetError for layers without a counterpart: recurrent ones, functions of one's own, …. */
export function kindOf(layer: Layer): LayerKind {
  const foreign = layer.foreign || (OPERATIONS.has(layer.className) && !layer.operation);
  const kind = foreign ? undefined : KINDS.get(layer.className);
  if (kind) return kind;
  throw refusal(
    layer,
    `layers of the class ${layer.className} are not known.`,
    'Export the model to ONNX instead: model.export(path, format="onnx"), or tf2onnx.',
  );
}
