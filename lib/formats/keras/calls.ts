/** How layers are called: `inbound_nodes` as Keras 2 and as Keras 3 write them. */

import { TascnetError } from '../../errors.js';
import { type Configured, fieldOf, isObject, type Json, refusal } from './json.js';

/** What a call of a layer gave. */
export interface Reference {
  layer: string;
  call: number;
  output: number;
}

export interface Call {
  /** Values and numbers, in order. */
  operands: (Reference | number)[];
  /** Arguments by name that are neither; null ones are left out. */
  options: Json;
}

const MAX_DEPTH = 8;

function referenceOf(value: unknown): Reference | undefined {
  if (!Array.isArray(value)) return undefined;
  const [layer, call, output] = value;
  const isIndex = (index: unknown): index is number => Number.isInteger(index) && Number(index) >= 0;
  return typeof layer === 'string' && isIndex(call) && isIndex(output) ? { layer, call, output } : undefined;
}

/** One reference, a list of them, or an object of them by name. */
export function referencesOf(value: unknown, depth = 0): Reference[] {
  const one = referenceOf(value);
  if (one) return [one];
  const parts = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : undefined;
  if (!parts || depth > MAX_DEPTH) throw new TascnetError('the inputs or outputs of the model are not told.');
  return parts.flatMap((part) => referencesOf(part, depth + 1));
}

export function callsOf(layer: Configured, inbound: unknown): Call[] {
  if (!Array.isArray(inbound)) throw refusal(layer, 'its inbound_nodes should be a list.');
  return inbound.map((node) => (isObject(node) ? newCall(layer, node) : oldCall(layer, node)));
}

/** Keras 3: `{ args, kwargs }`, in which tensors are objects. */
function newCall(layer: Configured, node: Json): Call {
  const args = fieldOf(node, 'args');
  const kwargs = fieldOf(node, 'kwargs');
  if (!Array.isArray(args)) throw refusal(layer, 'a call of it has no list of arguments.');
  const call: Call = { operands: args.flatMap((argument) => operandsOf(layer, argument, tensorOf)), options: {} };
  addOptions(layer, call, isObject(kwargs) ? kwargs : {}, tensorOf);
  return call;
}

function tensorOf(value: unknown): Reference | undefined {
  if (!isObject(value) || fieldOf(value, 'class_name') !== '__keras_tensor__') return undefined;
  const config = fieldOf(value, 'config');
  return isObject(config) ? referenceOf(fieldOf(config, 'keras_history')) : undefined;
}

/** Keras 2: `[[layer, call, output, options], …]`, the first one's options being those of the call. */
function oldCall(layer: Configured, node: unknown): Call {
  const list = referenceOf(node) ? [node] : node;
  if (!Array.isArray(list)) throw refusal(layer, 'a call of it is not a list of what it reads.');
  const operands = list.map((entry) => {
    const reference = referenceOf(entry);
    if (reference) return reference;
    // A constant stands as ["_CONSTANT_VALUE", -1, value].
    const value = Array.isArray(entry) ? entry[2] : undefined;
    if (typeof value === 'number') return value;
    throw refusal(layer, 'a call of it reads something that is not told.');
  });
  const call: Call = { operands, options: {} };
  for (const entry of list) {
    const options: unknown = Array.isArray(entry) ? entry[3] : undefined;
    if (isObject(options)) addOptions(layer, call, options, referenceOf);
  }
  return call;
}

type AsTensor = (value: unknown) => Reference | undefined;

/** Lists are of tensors: one of numbers is a constant tensor, which would have to stay whole. */
function operandsOf(layer: Configured, value: unknown, asTensor: AsTensor, depth = 0): (Reference | number)[] {
  const tensor = asTensor(value);
  if (tensor) return [tensor];
  if (typeof value === 'number' && depth === 0) return [value];
  if (value === null) return [];
  if (Array.isArray(value) && depth <= MAX_DEPTH)
    return value.flatMap((part) => operandsOf(layer, part, asTensor, depth + 1));
  if (typeof value === 'number') throw refusal(layer, 'it is called with a list of numbers, which is not supported.');
  throw refusal(layer, 'it is called with something that is neither a tensor nor a number.');
}

/** Tensors and numbers that are passed by name are operands, as they are where they are passed by place. */
function addOptions(layer: Configured, call: Call, options: Json, asTensor: AsTensor): void {
  for (const [key, value] of Object.entries(options)) {
    if (value === null || key === 'training' || key === 'mask') continue;
    if (OPERAND_NAMES.includes(key)) call.operands.push(...operandsOf(layer, value, asTensor));
    else call.options[key] = value;
  }
}

const OPERAND_NAMES = ['x', 'y', 'x1', 'x2', 'inputs', 'input'];
