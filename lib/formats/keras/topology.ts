/** The configuration of a model, of Keras 2 or 3, as layers and their calls. */

import { TascnetError } from '../../errors.js';
import { type Call, callsOf, type Reference, referencesOf } from './calls.js';
import { type Configured, fieldOf, isObject, type Json } from './json.js';
import type { Place } from './weights.js';

export interface Layer extends Place {
  /** Its class is none of Keras's own, whatever it is called. */
  foreign: boolean;
  /** It is a function of tensors, of Keras 3. */
  operation: boolean;
  /** In order; a layer that is shared has several. */
  calls: Call[];
  /** The network of a layer that is itself a model. */
  network?: Network;
}

export interface Network {
  layers: Map<string, Layer>;
  inputs: Reference[];
  outputs: Reference[];
}

/** Models within models; each is a few calls deep. */
const MAX_NESTING = 16;

/** The network of a model as `model.get_config()` and its class give it. */
export function networkOf(model: Json): Network {
  const className = fieldOf(model, 'class_name');
  if (typeof className !== 'string') throw new TascnetError('the configuration of the model names no class.');
  const network = nestedNetwork(model, { path: [], key: '' });
  if (network) return network;
  throw new TascnetError(`the model is of the class ${className}; Functional or Sequential was expected.`, {
    hint: SUBCLASS_HINT,
  });
}

const SUBCLASS_HINT =
  'A model of a class of its own cannot be told from its file: export it with model.export(path, format="onnx") or tf2onnx.';

type Parent = Pick<Place, 'path' | 'key'>;

/** Undefined for layers that are no models. */
function nestedNetwork(model: Json, parent: Parent): Network | undefined {
  const className = fieldOf(model, 'class_name');
  if (className === 'Sequential') return sequential(model, parent);
  const config = fieldOf(model, 'config');
  if (!isObject(config) || !Array.isArray(fieldOf(config, 'layers')) || !fieldOf(config, 'output_layers'))
    return undefined;
  const layers = layersOf(config, parent);
  const inputs = referencesOf(fieldOf(config, 'input_layers'));
  const outputs = referencesOf(fieldOf(config, 'output_layers'));
  if (outputs.length === 0) throw new TascnetError('the model has no outputs.');
  alignCalls(layers, outputs);
  return { layers, inputs, outputs };
}

/** Calls of models may be counted from 1: a model has a call of its own from when it was made. */
function alignCalls(layers: ReadonlyMap<string, Layer>, outputs: readonly Reference[]): void {
  const toModels = new Map<string, Set<Reference>>();
  const note = (reference: Reference): void => {
    if (!layers.get(reference.layer)?.network) return;
    const known = toModels.get(reference.layer);
    if (known) known.add(reference);
    else toModels.set(reference.layer, new Set([reference]));
  };
  for (const { calls } of layers.values())
    for (const { operands } of calls) for (const operand of operands) if (typeof operand === 'object') note(operand);
  for (const output of outputs) note(output);
  for (const [name, references] of toModels) {
    const last = [...references].reduce((most, { call }) => Math.max(most, call), 0);
    const beyond = Math.max(0, last - ((layers.get(name)?.calls.length ?? 0) - 1));
    for (const reference of references) reference.call -= beyond;
  }
}

function listedLayers(config: unknown): unknown[] {
  // The first versions of Keras gave the layers of a Sequential alone.
  const list = Array.isArray(config) ? config : isObject(config) ? fieldOf(config, 'layers') : undefined;
  if (Array.isArray(list)) return list;
  throw new TascnetError('the configuration of the model lists no layers.');
}

function layersOf(config: unknown, parent: Parent): Map<string, Layer> {
  if (parent.path.length > MAX_NESTING) throw new TascnetError('models are nested too deeply.');
  const layers = new Map<string, Layer>();
  const numbers = new Map<string, number>();
  for (const json of listedLayers(config)) {
    const layer = layerOf(json, parent, numbers);
    if (layers.has(layer.name)) throw new TascnetError(`two layers are named "${layer.name}".`);
    layers.set(layer.name, layer);
  }
  return layers;
}

function layerOf(json: unknown, parent: Parent, numbers: Map<string, number>): Layer {
  const className = isObject(json) ? fieldOf(json, 'class_name') : undefined;
  const config = isObject(json) ? fieldOf(json, 'config') : undefined;
  if (!isObject(json) || typeof className !== 'string') throw new TascnetError('a layer of the model names no class.');
  const settings = isObject(config) ? config : {};
  const name = fieldOf(json, 'name') ?? fieldOf(settings, 'name');
  if (typeof name !== 'string' || name === '') throw new TascnetError(`a layer of the class ${className} has no name.`);
  const configured: Configured = { name, className, config: settings };
  const key = `${parent.key === '' ? '' : `${parent.key}/`}layers/${numbered(json, className, numbers)}`;
  const path = [...parent.path, name];
  const network = nestedNetwork(json, { path, key });
  const module = fieldOf(json, 'module');
  const registered = fieldOf(json, 'registered_name');
  const custom = typeof registered === 'string' && registered.startsWith('Custom>');
  const foreign = custom || (typeof module === 'string' && !/^(tf_)?keras(\.|$)/.test(module));
  // Files that name no modules (.h5) tell them by settings that every layer has.
  const operation = module === undefined ? !('trainable' in settings || 'dtype' in settings) : isOfOperations(module);
  const calls = callsOf(configured, fieldOf(json, 'inbound_nodes') ?? []);
  return { ...configured, foreign, operation, path, key, calls, ...(network ? { network } : {}) };
}

function isOfOperations(module: unknown): boolean {
  return typeof module === 'string' && module.includes('.ops.');
}

/** As Keras 3 names the groups of weights: `conv2d`, `conv2d_1`, …, by the class and not by the name. */
function numbered(json: Json, className: string, numbers: Map<string, number>): string {
  // Plain functions of tensors are no layers, and have no number.
  if (isOfOperations(fieldOf(json, 'module'))) return className;
  const snake = className
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
  const number = numbers.get(snake) ?? 0;
  numbers.set(snake, number + 1);
  return number === 0 ? snake : `${snake}_${number}`;
}

/** The layers of a Sequential, each called with what the one before it gives. */
function sequential(model: Json, parent: Parent): Network {
  const config = fieldOf(model, 'config');
  const layers = layersOf(config, parent);
  const [first] = layers.values();
  if (!first) throw new TascnetError('a Sequential model has no layers.');
  const list = [...layers.values()];
  if (first.className !== 'InputLayer') list.unshift(inputBefore(first, config, parent));
  list.forEach((layer, index) => {
    const before = list[index - 1];
    layer.calls = [{ operands: before ? [{ layer: before.name, call: 0, output: 0 }] : [], options: {} }];
  });
  const at = (layer: Layer | undefined): Reference[] => (layer ? [{ layer: layer.name, call: 0, output: 0 }] : []);
  return { layers: new Map(list.map((layer) => [layer.name, layer])), inputs: at(list[0]), outputs: at(list.at(-1)) };
}

/** Keras 2 keeps the shape of the input with the first layer, or with the model. */
function inputBefore(first: Layer, config: unknown, parent: Parent): Layer {
  const settings = isObject(config) ? config : {};
  const inner = first.network?.layers.get(first.network.inputs[0]?.layer ?? '')?.config ?? {};
  const shape =
    fieldOf(first.config, 'batch_input_shape') ??
    fieldOf(first.config, 'batch_shape') ??
    fieldOf(settings, 'build_input_shape') ??
    fieldOf(inner, 'batch_shape') ??
    fieldOf(inner, 'batch_input_shape');
  const name = `${first.name}_input`;
  const path = [...parent.path, name];
  return {
    name,
    className: 'InputLayer',
    config: { batch_shape: shape },
    foreign: false,
    operation: false,
    path,
    key: '',
    calls: [],
  };
}
