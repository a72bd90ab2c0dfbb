/** The exported model: batch norms folded, class names and preprocessing in its metadata, next to it the labels. */

import { type InputPreprocessing, inputMetadata } from '../data/input-preprocessing.js';
import { METADATA_KEYS } from '../data/preprocessing.js';
import { save } from '../formats/index.js';
import type { Graph } from '../graph/graph.js';
import { writeText } from '../journal/whole-file.js';
import { foldBatchNorm } from '../surgery/fold-batch-norm.js';
import { version } from './version.js';

export interface Provenance {
  preprocessing: InputPreprocessing;
  classes: readonly string[];
  /** SHA-256 of the file that it was made from. */
  source: { path: string; sha256: string };
  /** That the test samples were kept apart with. */
  seed: number;
}

/**
 * Writes the deployable form of a trained graph and returns it.
 * @param check told where the whole file lies before it gets its name; what it throws keeps it from getting it.
 */
export async function exportModel(
  graph: Graph,
  path: string,
  { preprocessing, classes, source, seed }: Provenance,
  check?: (path: string) => Promise<void>,
): Promise<Graph> {
  const folded = foldBatchNorm(graph);
  const exported: Graph = {
    ...folded,
    metadata: {
      ...folded.metadata,
      ...inputMetadata(preprocessing, classes),
      'tascnet.source': source.path.replace(/^.*[\\/]/, ''),
      'tascnet.source.sha256': source.sha256,
      [METADATA_KEYS.seed]: String(seed),
      'tascnet.version': version(),
    },
  };
  await save(exported, path, { check });
  return exported;
}

/** One class name a line, by output index. */
export async function writeLabels(path: string, classes: readonly string[]): Promise<void> {
  await writeText(path, `${classes.join('\n')}\n`);
}
