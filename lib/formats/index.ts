/** Model files ↔ `Graph`, by the ending of their names. */

import { statSync } from 'node:fs';
import path from 'node:path';
import { fold } from '../analyze/fold.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { validateGraph } from '../graph/validate.js';
import { inFile } from './files.js';
import { readOnnx, writeOnnx } from './onnx/index.js';

export interface SaveOptions {
  /** Told where the whole file lies before it gets its name; what it throws keeps it from getting it. */
  check?: ((path: string) => Promise<void>) | undefined;
}

interface Format {
  name: string;
  extensions: readonly string[];
  read(file: string): Promise<Graph>;
  /** Left out for formats that are only read. */
  write?(graph: Graph, file: string, options?: SaveOptions): Promise<void>;
}

const FORMATS: readonly Format[] = [
  { name: 'ONNX', extensions: ['.onnx'], read: readOnnx, write: writeOnnx },
  {
    name: 'Keras',
    extensions: ['.keras', '.h5', '.hdf5'],
    read: async (file) => (await import('./keras/index.js')).readKeras(file),
  },
  {
    name: 'tfjs LayersModel',
    extensions: ['.json'],
    read: async (file) => (await import('./keras/index.js')).readLayersModel(file),
  },
];

/** @param expected the formats that an ending which is not known is told of. */
function formatOf(file: string, expected: readonly Format[]): Format {
  const extension = path.extname(file).toLowerCase();
  const format = FORMATS.find(({ extensions }) => extensions.includes(extension));
  if (format) return format;
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw new TascnetError(`${file} is a folder; a model file was expected.`);
  const known = expected.map(({ name, extensions }) => `${name} (${extensions.join(', ')})`).join(' or ');
  throw new TascnetError(
    `${file}: ${extension === '' ? 'its name has no ending that tells its format' : `the model format "${extension}" is not known`}; ${known} was expected.`,
    {
      hint: 'Models of other frameworks can be exported to ONNX, such as by torch.onnx.export or tf2onnx.',
    },
  );
}

/**
 * Reads a model, checks it and folds its constants.
 * @throws TascnetError naming the file and the node or tensor that is wrong.
 */
export async function load(file: string): Promise<Graph> {
  const graph = await formatOf(file, FORMATS).read(file);
  return inFile(file, async () => fold(graph));
}

/** Checks and writes a model, whole or not at all. @throws TascnetError when it is inconsistent or cannot be written. */
export async function save(graph: Graph, file: string, options?: SaveOptions): Promise<void> {
  const { name, write } = formatOf(
    file,
    FORMATS.filter((format) => format.write),
  );
  if (!write)
    throw new TascnetError(`${file}: ${name} models are only read; tascnet writes ONNX.`, {
      hint: 'Choose a name ending in .onnx.',
    });
  validateGraph(graph);
  await write(graph, file, options);
}
