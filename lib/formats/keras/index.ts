/** Reads models of Keras 2 and 3 and of tfjs into a `Graph`. */

import path from 'node:path';
import { TascnetError } from '../../errors.js';
import type { Graph } from '../../graph/graph.js';
import { inFile, readModelFile } from '../files.js';
import { readArchive } from './archive.js';
import { withHdf5 } from './hdf5.js';
import { fieldOf, parsedObject } from './json.js';
import { namedWeights, numberedWeights } from './saved-weights.js';
import { layersTopology, shardedWeights } from './tfjs.js';
import { graphOf } from './translate.js';

/** Node's buffers and WebAssembly's memory end there. */
const MAX_BYTES = 2 ** 32;
const MAX_JSON_BYTES = 2 ** 28;

/**
 * Reads a .keras file of Keras 3, or an .h5 file of model.save; which of them it is, its first bytes tell.
 * @throws TascnetError naming the file and the layer: not of Keras, truncated, weights that are missing or of another shape,
 * layers that have no ONNX counterpart.
 */
export async function readKeras(file: string): Promise<Graph> {
  return inFile(file, async () => {
    const bytes = readModelFile(file, 'a Keras model', MAX_BYTES);
    if (startsWith(bytes, [0x50, 0x4b])) return ofArchive(bytes);
    if (startsWith(bytes, [0x89, 0x48, 0x44, 0x46])) return ofHdf5(bytes);
    if (bytes.length === 0) throw new TascnetError('the file is empty; a Keras model was expected.');
    throw new TascnetError('this is neither a .keras archive nor an HDF5 file.', {
      hint: 'Check that the file was downloaded or copied completely, and that model.save of Keras wrote it.',
    });
  });
}

/** Reads the model.json of a tfjs LayersModel, with the shards of weights beside it. */
export async function readLayersModel(file: string): Promise<Graph> {
  return inFile(file, async () => {
    const bytes = readModelFile(file, 'the model.json of a tfjs LayersModel', MAX_JSON_BYTES);
    const json = parsedObject(new TextDecoder().decode(bytes), 'this');
    const { model, version } = layersTopology(json);
    return graphOf(model, version, shardedWeights(json, path.dirname(file)));
  });
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

async function ofArchive(bytes: Uint8Array): Promise<Graph> {
  const { config, metadata, weights } = readArchive(bytes);
  const version = metadata === '' ? undefined : fieldOf(parsedObject(metadata, 'metadata.json'), 'keras_version');
  const model = parsedObject(config, 'config.json');
  return withHdf5(weights, (file) =>
    graphOf(model, typeof version === 'string' ? version : '3', numberedWeights(file)),
  );
}

async function ofHdf5(bytes: Uint8Array): Promise<Graph> {
  return withHdf5(bytes, (file) => {
    const config = file.text('', 'model_config');
    if (config === undefined)
      throw new TascnetError('the file has weights alone: it does not tell the network that they belong to.', {
        hint: 'Save the whole model: model.save("net.keras").',
      });
    return graphOf(parsedObject(config, 'model_config'), file.text('', 'keras_version') ?? '2', namedWeights(file));
  });
}
