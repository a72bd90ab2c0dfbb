/** Layers that put the same elements into another shape or order. */

import { axesOf, refusal, wholeOf } from '../json.js';
import { add, inputOf, type LayerKind, type Site, wholes } from '../site.js';
import { dimsOf, inKerasOrder, rankOf, type Value } from '../value.js';

const isNumber = (extent: unknown): extent is number => typeof extent === 'number';

/**
 * A map with its channels first is left so: the layer that reads it puts its weights in that order, in place of the
 * elements.
 */
function flatten(site: Site): Value {
  const { layer, sketch } = site;
  const input = inputOf(site);
  const [, channels, ...spatial] = sketch.dims(input.name);
  const flat = (x: Value, order: Value['order'] = 'keras'): Value => ({
    name: add(site, 'Flatten', [x.name], { axis: 1 }),
    order,
  });
  // Keras puts the channels last before it flattens what has them first.
  if (layer.config.data_format === 'channels_first' && input.order === 'keras' && rankOf(sketch, input) > 2)
    return flat(inKerasOrder(sketch, { ...input, order: 'channelsFirst' }));
  if (input.order !== 'channelsFirst') return flat(inKerasOrder(sketch, input));
  if (spatial.every((extent) => extent === 1)) return flat(input);
  if (!isNumber(channels) || !spatial.every(isNumber)) return flat(inKerasOrder(sketch, input));
  return { ...flat(input, 'flattened'), map: [channels, ...spatial] };
}

/** To a shape without the batch; −1 is what is left. */
function reshape(site: Site): Value {
  const { layer, sketch } = site;
  const input = inputOf(site);
  const asked = axesOf(layer, layer.config.newshape === undefined ? 'target_shape' : 'newshape');
  const target = layer.config.newshape === undefined ? asked : asked.slice(1);
  const dims = dimsOf(sketch, input);
  const extents = solved(target, dims.slice(1));
  const channels = dims.at(-1);
  const flat = input.order === 'flattened' || (input.order === 'keras' && dims.length > 2);
  // Where the channels stay the last axis, only positions are counted otherwise: that is so with the channels first, too.
  if (!flat && isNumber(channels) && extents.at(-1) === channels) {
    const shape = wholes(site, 'shape', [0, channels, ...extents.slice(0, -1)]);
    return { name: add(site, 'Reshape', [input.name, shape]), order: extents.length > 1 ? 'channelsFirst' : 'keras' };
  }
  const x = inKerasOrder(sketch, input);
  // A single channel lies anywhere.
  if (extents.length > 2 && extents.at(-1) === 1) {
    const shape = wholes(site, 'shape', [0, 1, ...extents.slice(0, -1)]);
    return { name: add(site, 'Reshape', [x.name, shape]), order: 'channelsFirst' };
  }
  return { name: add(site, 'Reshape', [x.name, wholes(site, 'shape', [0, ...extents])]), order: 'keras' };
}

/** The target with its −1 told, where all extents of the input are known. */
function solved(target: readonly number[], from: readonly (number | string)[]): number[] {
  if (!from.every(isNumber)) return [...target];
  const product = (extents: readonly number[]) => extents.reduce((all, extent) => all * extent, 1);
  const rest = product(from) / product(target.filter((extent) => extent !== -1));
  return target.map((extent) => (extent === -1 && Number.isInteger(rest) ? rest : extent));
}

/** Axes counted from 1, the batch being left out. */
function permute(site: Site): Value {
  const { sketch } = site;
  const x = inKerasOrder(sketch, inputOf(site));
  const perm = [0, ...axesOf(site.layer, 'dims')];
  const axes = sketch.dims(x.name).map((_, axis) => axis);
  if (perm.toSorted((a, b) => a - b).join() !== axes.join())
    throw refusal(site.layer, `its dims [${perm.slice(1)}] are not those of what it reads.`);
  return { name: add(site, 'Transpose', [x.name], { perm }), order: 'keras' };
}

/** [N, C] → [N, n, C]. */
function repeatVector(site: Site): Value {
  const x = inKerasOrder(site.sketch, inputOf(site));
  const one = add(site, 'Unsqueeze', [x.name, wholes(site, 'axes', [1])], {}, 'Unsqueeze');
  const shape = wholes(site, 'shape', [1, wholeOf(site.layer, 'n'), 1]);
  return { name: add(site, 'Expand', [one, shape]), order: 'keras' };
}

export const SHAPES: Record<string, LayerKind> = {
  Flatten: { translate: flatten },
  Permute: { translate: permute },
  RepeatVector: { translate: repeatVector },
  Reshape: { translate: reshape },
};
