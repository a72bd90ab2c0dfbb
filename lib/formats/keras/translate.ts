/** The network of a Keras model as a graph: its layers in order, each by its kind. */

import { TascnetError } from '../../errors.js';
import type { Dim, Graph } from '../../graph/graph.js';
import type { Call, Reference } from './calls.js';
import { fieldOf, isObject, type Json, refusal } from './json.js';
import { kindOf } from './layers/index.js';
import { callOrder } from './order.js';
import type { Site } from './site.js';
import { type Sketch, sketch } from './sketch.js';
import { type Layer, type Network, networkOf } from './topology.js';
import { inKerasOrder, rankOf, type Value, withChannelsFirst } from './value.js';
import type { Stored, WeightSource } from './weights.js';

/** @param model the class and the configuration. `version`: of the Keras that wrote it. */
export function graphOf(model: Json, version: string, weights: WeightSource): Graph {
  const network = networkOf(model);
  const work: Work = {
    sketch: sketch(),
    version: Number.parseInt(version, 10) || 3,
    weights,
    names: claimedNames(network),
    stored: new Map(),
    calls: 0,
    // Networks with the channels first have them so from their inputs on.
    channelsFirst: layersOf(network).some(({ config }) => config.data_format === 'channels_first'),
  };
  const outputs = evaluate(work, network, '', undefined).map((value) => {
    // Sequences stay as Keras has them, images are as ONNX has them.
    const image = rankOf(work.sketch, value) > 3 && !work.channelsFirst;
    return (image ? withChannelsFirst : inKerasOrder)(work.sketch, value).name;
  });
  const config = fieldOf(model, 'config');
  const name = isObject(config) ? fieldOf(config, 'name') : undefined;
  return work.sketch.finish(typeof name === 'string' ? name : 'keras', outputs);
}

interface Work {
  sketch: Sketch;
  version: number;
  weights: WeightSource;
  /** Names of layers, and of their calls, with the layer that a name is kept for; undefined for those given away. */
  names: Map<string, Layer | undefined>;
  /** Calls of layers so far. */
  calls: number;
  /** Weights that were read and are not asked for yet. */
  stored: Map<Layer, Map<string, Stored>>;
  /** The model has its channels first itself. */
  channelsFirst: boolean;
}

function layersOf({ layers }: Network): Layer[] {
  return [...layers.values()].flatMap((layer) => [layer, ...(layer.network ? layersOf(layer.network) : [])]);
}

/** Weights are named after the paths of their layers, which must tell these apart. */
function claimedNames(network: Network): Map<string, Layer | undefined> {
  const names = new Map<string, Layer>();
  for (const layer of layersOf(network)) {
    const name = layer.path.join('/');
    if (names.has(name)) throw new TascnetError(`two layers are named "${name}".`);
    names.set(name, layer);
  }
  return names;
}

/** The values that a network gives. `inputs`: those that it reads; undefined for the outermost one, whose are the graph's. */
function evaluate(work: Work, network: Network, prefix: string, inputs: readonly Value[] | undefined): Value[] {
  const values = new Map<string, Value[]>();
  const read = (reference: Reference): Value => {
    const value = values.get(`${reference.call} ${reference.layer}`)?.[reference.output];
    if (value) return value;
    throw new TascnetError(
      `output ${reference.output} of call ${reference.call} of the layer "${reference.layer}" is read, which there is not.`,
    );
  };
  network.inputs.forEach(({ layer, call }, index) => {
    const own = network.layers.get(layer);
    if (!own) throw new TascnetError(`the model names the input "${layer}", which it does not have.`);
    const value = inputs ? inputs[index] : graphInput(work, own, network);
    if (!value)
      throw refusal(own, `its model reads ${network.inputs.length} tensors, and is called with ${inputs?.length}.`);
    values.set(`${call} ${layer}`, [value]);
  });
  for (const { layer, call, index } of callOrder(network)) {
    const key = `${index} ${layer.name}`;
    if (values.has(key)) continue;
    const operands = call.operands.map((operand) => (typeof operand === 'number' ? operand : read(operand)));
    values.set(key, called(work, layer, { call, operands, prefix, index }));
  }
  return network.outputs.map(read);
}

/** Models shared within models could otherwise make a small file a network without end. */
const MAX_CALLS = 100_000;

interface Called {
  call: Call;
  operands: (Value | number)[];
  prefix: string;
  index: number;
}

function called(work: Work, layer: Layer, { call, operands, prefix, index }: Called): Value[] {
  if (++work.calls > MAX_CALLS) throw new TascnetError(`the model calls its layers more than ${MAX_CALLS} times.`);
  const inputs = operands.filter((operand) => typeof operand === 'object');
  const name = siteName(work, layer, `${prefix}${layer.name}`, index);
  if (layer.network) return evaluate(work, layer.network, `${name}/`, inputs);
  if (layer.className === 'InputLayer') throw refusal(layer, 'it is none of the inputs that the model names.');
  const kind = kindOf(layer);
  // What a plain function is called with by name belongs to its settings.
  const asked = { ...layer, config: { ...call.options, ...layer.config } };
  const variables = kind.variables?.(layer) ?? [];
  const site: Site = {
    ...{ layer: asked, sketch: work.sketch, name, version: work.version, operands, inputs },
    stored: (variable) => storedOf(work, layer, variables, variable),
  };
  const value = inLayer(layer, () => kind.translate(site));
  // What a layer gives has its name, unless it made something else first: a convolution with an activation behind it.
  const own = value.name.startsWith(`${name}/`) ? work.sketch.rename(value.name, name) : value.name;
  return [withMask(layer, inputs, { ...value, name: own })];
}

/** The layer's own name where it can be; another one for each further call. */
function siteName({ names }: Work, layer: Layer, wish: string, index: number): string {
  let name = wish;
  for (let number = index; number > 0 || (names.has(name) && names.get(name) !== layer); number++) {
    name = `${wish}_${number}`;
    if (!names.has(name)) break;
  }
  names.set(name, undefined);
  return name;
}

function storedOf({ stored, weights }: Work, layer: Layer, variables: readonly string[], variable: string): Stored {
  const known = stored.get(layer);
  const all = known?.has(variable) ? known : weights(layer, variables);
  stored.set(layer, all);
  const found = all.get(variable);
  // An initializer is made of it, which is what stays.
  all.delete(variable);
  if (found) return found;
  throw refusal(layer, `the file has no weight "${variable}" for it.`);
}

/** What goes wrong within a layer names it. */
function inLayer<T>(layer: Layer, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TascnetError) || error.message.includes(`"${layer.name}"`)) throw error;
    throw refusal(layer, error.message, error.hint);
  }
}

/** Layers that look at several positions at once end a mask; those below that would read it are refused. */
const MASK_ENDS = /^(Conv|SeparableConv|DepthwiseConv|MaxPooling|AveragePooling|GlobalMaxPooling|Flatten|Reshape)/;

function withMask(layer: Layer, inputs: readonly Value[], value: Value): Value {
  const masked = inputs.some((input) => input.masked) && !MASK_ENDS.test(layer.className);
  if (masked && ['GlobalAveragePooling1D', 'Softmax', 'BatchNormalization'].includes(layer.className))
    throw refusal(
      layer,
      'it leaves out the positions that mask_zero of an Embedding marks; that has no ONNX counterpart.',
      'Train it with mask_zero=False.',
    );
  return masked ? { ...value, masked: true } : value;
}

/** A graph input: images with their channels first, words as whole numbers. */
function graphInput({ sketch, channelsFirst }: Work, layer: Layer, network: Network): Value {
  const shape = fieldOf(layer.config, 'batch_shape') ?? fieldOf(layer.config, 'batch_input_shape');
  if (!Array.isArray(shape) || shape.length === 0)
    throw refusal(
      layer,
      'the shape of the input is not told.',
      'Call the model once, or give it an Input, before it is saved.',
    );
  const dims = shape.map((extent, axis): Dim => {
    if (extent === null) return axis === 0 ? 'N' : `${layer.name}_${axis}`;
    if (Number.isInteger(extent) && extent > 0 && extent < 2 ** 31) return extent;
    throw refusal(layer, `its shape ${JSON.stringify(shape)} has an impossible extent.`);
  });
  const words = isOfWords(network, layer.name);
  if (layer.config.dtype === 'string') throw refusal(layer, 'it takes text; numbers were expected.');
  const [batch = 'N', ...rest] = dims;
  const channels = rest.at(-1);
  if (words || channelsFirst || channels === undefined || dims.length < 4)
    return { name: sketch.input(layer.name, words ? 'int64' : 'float32', dims), order: 'keras' };
  const image = [batch, channels, ...rest.slice(0, -1)];
  return { name: sketch.input(layer.name, 'float32', image), order: 'channelsFirst' };
}

/** Whether nothing but embeddings read it, within models too. `known`: what was found before, so that each is asked once. */
function isOfWords(network: Network, input: string, known = new Map<Layer | undefined, boolean>()): boolean {
  const layer = network.layers.get(input);
  const found = known.get(layer) ?? readByEmbeddings(network, input, known);
  known.set(layer, found);
  return found;
}

function readByEmbeddings(network: Network, input: string, known: Map<Layer | undefined, boolean>): boolean {
  const readers = [...network.layers.values()].filter(({ calls }) =>
    calls.some(({ operands }) => operands.some((operand) => typeof operand === 'object' && operand.layer === input)),
  );
  const reads = ({ className, network: inner }: Layer) =>
    inner ? inner.inputs.every(({ layer }) => isOfWords(inner, layer, known)) : className === 'Embedding';
  return readers.length > 0 && readers.every(reads);
}
