/** Weights as files hold them, and how they are found by layer. */

import { sizeOf } from '../../graph/tensor.js';
import { type Configured, refusal } from './json.js';

/** A weight in the order in which Keras has it. */
export interface Stored {
  dims: number[];
  data: Float32Array;
}

/** A layer's place in its model, which files name weights by. */
export interface Place extends Configured {
  /** The names of the models around it, from the outermost but one on, and its own. */
  path: readonly string[];
  /** Where Keras 3 keeps its variables: the classes of these, numbered. */
  key: string;
}

/** A file's weights. `variables`: the names that Keras gives them within the layer, in its order. */
export type WeightSource = (place: Place, variables: readonly string[]) => Map<string, Stored>;

/** A weight whose name is a path, the variable's own at the end: `block/conv/kernel:0`. */
export interface NamedWeight {
  name: string;
  read(): Stored;
}

interface Variable {
  variable: string;
  read(): Stored;
}

/** Weights by the layers that their names tell, in their order. */
export type ByLayer = ReadonlyMap<string, readonly Variable[]>;

export function byLayer(weights: readonly NamedWeight[]): ByLayer {
  const layers = new Map<string, Variable[]>();
  for (const { name, read } of weights) {
    const plain = name.replace(/:\d+$/, '');
    const cut = Math.max(plain.lastIndexOf('/'), 0);
    const variable = { variable: plain.slice(plain.lastIndexOf('/') + 1), read };
    const known = layers.get(plain.slice(0, cut));
    if (known) known.push(variable);
    else layers.set(plain.slice(0, cut), [variable]);
  }
  return layers;
}

/** The weights of a layer among those that lie under their names alone. */
export function pickByName(place: Place, weights: ByLayer, variables: readonly string[]): Map<string, Stored> {
  if (variables.length === 0) return new Map();
  // With more or fewer of the models around it: the more, the surer.
  for (let index = 0; index < place.path.length; index++) {
    const own = weights.get(place.path.slice(index).join('/'));
    if (own) return byVariable(place, own, variables);
  }
  const within = [...weights].filter(([layer]) => layer.endsWith(`/${place.name}`)).flatMap(([, own]) => own);
  if (within.length > 0) return byVariable(place, within, variables);
  throw refusal(place, `the file has no weights for it; ${variables.join(', ')} were expected.`);
}

/** By their names where these are as expected, else by their order. */
export function byVariable(place: Place, own: readonly Variable[], variables: readonly string[]): Map<string, Stored> {
  const named = variables.map((variable) => own.filter((weight) => weight.variable === variable));
  const twice = named.findIndex((found) => found.length > 1);
  if (twice >= 0) throw refusal(place, `the file has several weights "${variables[twice]}" for it.`);
  const inOrder = named.every((found) => found.length === 1) ? named.flat() : own;
  if (inOrder.length !== variables.length) {
    const found = own.map(({ variable }) => variable).join(', ');
    throw refusal(place, `its weights in the file are [${found}]; [${variables.join(', ')}] were expected.`);
  }
  return new Map(inOrder.map(({ read }, index) => [variables[index] ?? '', read()]));
}

/** The weight with its axes in another order: axis i of the result is axis `order[i]`. */
export function permuted({ dims, data }: Stored, order: readonly number[]): Stored {
  const to = order.map((axis) => dims[axis] ?? 1);
  const strides = order.map((axis) => sizeOf(dims.slice(axis + 1)));
  const out = new Float32Array(data.length);
  const last = to.length - 1;
  const [length = 1, stride = 1] = [to[last], strides[last]];
  const at = new Array<number>(Math.max(last, 0)).fill(0);
  let from = 0;
  for (let start = 0; start < out.length; start += length) {
    if (stride === 1) out.set(data.subarray(from, from + length), start);
    else for (let index = 0; index < length; index++) out[start + index] = data[from + index * stride] ?? 0;
    for (let axis = last - 1; axis >= 0; axis--) {
      const next = (at[axis] ?? 0) + 1;
      const step = strides[axis] ?? 0;
      from += step;
      if (next < (to[axis] ?? 1)) {
        at[axis] = next;
        break;
      }
      at[axis] = 0;
      from -= step * next;
    }
  }
  return { dims: to, data: out };
}

export function reshaped({ data }: Stored, dims: number[]): Stored {
  return { dims, data };
}
