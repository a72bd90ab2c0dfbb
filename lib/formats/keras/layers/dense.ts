/** Layers that multiply by a matrix, or look rows of one up. */

import { refusal, wholeOf } from '../json.js';
import { add, inputOf, type LayerKind, type Site, shaped, vector, weight } from '../site.js';
import type { Layer } from '../topology.js';
import { inKerasOrder, rankOf, type Value } from '../value.js';
import { permuted, reshaped, type Stored } from '../weights.js';
import { activated } from './activation.js';

const bias = (layer: Layer) => (layer.config.use_bias === false ? [] : ['bias']);

/** The kernel's rows in the order in which a map lies that was flattened with its channels first. */
function rowsOfMap(site: Site, { map = [] }: Value, stored: Stored): Stored {
  const [channels = 1, ...spatial] = map;
  const positions = spatial.reduce((product, extent) => product * extent, 1);
  const [rows = 0, units = 0] = stored.dims;
  shaped(site, 'kernel', stored, [channels * positions, undefined]);
  const byChannel = permuted(reshaped(stored, [positions, channels, units]), [1, 0, 2]);
  return reshaped(byChannel, [rows, units]);
}

function dense(site: Site): Value {
  const { layer, sketch } = site;
  const input = inputOf(site);
  const units = wholeOf(layer, 'units');
  const flattened = input.order === 'flattened';
  const x = flattened ? input : inKerasOrder(sketch, input);
  const kernel = weight(
    site,
    'kernel',
    (stored) => {
      shaped(site, 'kernel', stored, [undefined, units]);
      return flattened ? rowsOfMap(site, input, stored) : stored;
    },
    flattened ? `/of_${input.map?.join('x')}` : '',
  );
  const vectors = bias(layer).map((name) => vector(site, name, units));
  if (rankOf(sketch, x) === 2)
    return activated(site, { name: add(site, 'Gemm', [x.name, kernel, ...vectors]), order: 'keras' });
  const product = add(site, 'MatMul', [x.name, kernel], {}, vectors.length > 0 ? 'MatMul' : '');
  const name = vectors.length > 0 ? add(site, 'Add', [product, ...vectors]) : product;
  return activated(site, { name, order: 'keras' });
}

/** ONNX's number for it. */
const INT64 = 7;

function embedding(site: Site): Value {
  const { layer, sketch } = site;
  const ids = inKerasOrder(sketch, inputOf(site));
  const rows = wholeOf(layer, 'input_dim');
  const columns = wholeOf(layer, 'output_dim');
  const table = weight(site, 'embeddings', (stored) => shaped(site, 'embeddings', stored, [rows, columns]));
  const whole = ['int32', 'int64'].includes(sketch.dtype(ids.name));
  const indices = whole ? ids.name : add(site, 'Cast', [ids.name], { to: INT64 }, 'Cast');
  const name = add(site, 'Gather', [table, indices], { axis: 0 });
  if (layer.config.quantization_mode) throw refusal(layer, 'its table is quantized; float32 was expected.');
  return { name, order: 'keras', ...(layer.config.mask_zero === true ? { masked: true } : {}) };
}

export const DENSE_LAYERS: Record<string, LayerKind> = {
  Dense: { variables: (layer) => ['kernel', ...bias(layer)], translate: dense },
  Embedding: { variables: () => ['embeddings'], translate: embedding },
};
