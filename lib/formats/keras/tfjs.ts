/** A tfjs LayersModel: model.json with the network of Keras 2 in it, and binary shards of weights beside it. */

import { TascnetError } from '../../errors.js';
import { sizeOf } from '../../graph/tensor.js';
import { readInside } from '../files.js';
import { widenFloat16 } from '../onnx/half.js';
import { fieldOf, isObject, type Json } from './json.js';
import { byLayer, type NamedWeight, pickByName, type WeightSource } from './weights.js';

/** The class and configuration of the model, and the version of Keras that they follow. */
export interface Topology {
  model: Json;
  version: string;
}

/** What `modelTopology` says; both the converter's form and that of tfjs itself are read. */
export function layersTopology(json: Json): Topology {
  if (fieldOf(json, 'format') === 'graph-model' || isObject(fieldOf(json, 'signature')))
    throw new TascnetError('this is a tfjs GraphModel, whose layers are gone; a LayersModel was expected.', {
      hint: 'Export the original to ONNX instead, such as by tf2onnx from its SavedModel.',
    });
  const topology = fieldOf(json, 'modelTopology');
  if (!isObject(topology))
    throw new TascnetError('this is not the model.json of a tfjs LayersModel: it has no modelTopology.', {
      hint: 'A model.json that tensorflowjs_converter or model.save of tfjs wrote was expected.',
    });
  const model = fieldOf(topology, 'model_config') ?? topology;
  if (!isObject(model)) throw new TascnetError('modelTopology holds no model.');
  const version = fieldOf(topology, 'keras_version');
  // tfjs itself follows Keras 2, and gives its own version there.
  return { model, version: typeof version === 'string' && /^\d/.test(version) ? version : '2' };
}

/** @param folder where the shards lie. */
export function shardedWeights(json: Json, folder: string): WeightSource {
  const groups = fieldOf(json, 'weightsManifest');
  if (!Array.isArray(groups)) throw new TascnetError('model.json has no weightsManifest.');
  const weights = groups.flatMap((group, index) => {
    const paths = isObject(group) ? fieldOf(group, 'paths') : undefined;
    const entries = isObject(group) ? fieldOf(group, 'weights') : undefined;
    if (!Array.isArray(paths) || !paths.every((each) => typeof each === 'string') || !Array.isArray(entries))
      throw new TascnetError(`group ${index} of the weightsManifest has no list of paths and weights.`);
    return weightsOf(entries.map(entryOf), joined(paths, folder));
  });
  const layers = byLayer(weights);
  return (place, variables) => pickByName(place, layers, variables);
}

function joined(paths: readonly string[], folder: string): Uint8Array {
  const shards = paths.map((shard) => readInside(folder, shard, `The weights' file "${shard}"`));
  const [first] = shards;
  if (first && shards.length === 1) return first;
  const whole = new Uint8Array(shards.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const shard of shards) {
    whole.set(shard, at);
    at += shard.length;
  }
  return whole;
}

interface Entry {
  name: string;
  dims: number[];
  /** As stored. */
  dtype: string;
  /** Stored numbers stand for scale · number + min. */
  scale: number;
  min: number;
}

const BYTES: Record<string, number> = { float32: 4, float16: 2, int32: 4, uint8: 1, uint16: 2, bool: 1 };

function entryOf(json: unknown): Entry {
  const name = isObject(json) ? fieldOf(json, 'name') : undefined;
  if (!isObject(json) || typeof name !== 'string') throw new TascnetError('a weight of the manifest has no name.');
  const dims = fieldOf(json, 'shape');
  const isExtent = (extent: unknown): extent is number => Number.isSafeInteger(extent) && Number(extent) >= 0;
  if (!Array.isArray(dims) || !dims.every(isExtent) || !Number.isSafeInteger(sizeOf(dims)))
    throw new TascnetError(`the weight "${name}" has the impossible shape ${JSON.stringify(dims)}.`);
  const quantization = fieldOf(json, 'quantization');
  const stored = isObject(quantization) ? quantization : json;
  const dtype = fieldOf(stored, 'dtype');
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype))
    throw new TascnetError(`the weight "${name}" has the type ${JSON.stringify(dtype)}; float32 was expected.`);
  const number = (key: string, fallback: number) => {
    const value = fieldOf(stored, key) ?? fallback;
    if (typeof value === 'number') return value;
    throw new TascnetError(`the weight "${name}" has a quantization whose ${key} is no number.`);
  };
  return { name, dims, dtype, scale: number('scale', 1), min: number('min', 0) };
}

function weightsOf(entries: readonly Entry[], bytes: Uint8Array): NamedWeight[] {
  let at = 0;
  const weights = entries.map((entry): NamedWeight => {
    const start = at;
    const length = sizeOf(entry.dims) * (BYTES[entry.dtype] ?? 1);
    at += length;
    return {
      name: entry.name,
      read: () => ({ dims: entry.dims, data: numbersOf(bytes.slice(start, start + length), entry) }),
    };
  });
  if (at !== bytes.length)
    throw new TascnetError(`the weights of the manifest take ${at} bytes, but their files have ${bytes.length}.`, {
      hint: 'A file may be truncated, or belong to another model.',
    });
  return weights;
}

/** @param bytes of their own, so that every type finds itself aligned. */
function numbersOf(bytes: Uint8Array, { dtype, scale, min }: Entry): Float32Array {
  const { buffer } = bytes;
  if (dtype === 'float32') return new Float32Array(buffer);
  if (dtype === 'float16') return widenFloat16(new Uint16Array(buffer));
  const whole = dtype === 'int32' ? new Int32Array(buffer) : dtype === 'uint16' ? new Uint16Array(buffer) : bytes;
  return Float32Array.from(whole, (value) => value * scale + min);
}
