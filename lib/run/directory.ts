/** The folder of a run: what is written there, under which names, and never half. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf, TascnetError } from '../errors.js';
import { load, save } from '../formats/index.js';
import type { Graph } from '../graph/graph.js';
import { makeFolders, requireWritable } from '../journal/whole-file.js';
import { checkpointFile } from '../train/checkpoint-file.js';
import type { Checkpoint } from '../train/state.js';

export interface RunDirectory {
  path: string;
  record: string;
  journal: string;
  /** A file of the result, such as `model.onnx`. */
  file(name: string): string;
  /** A file or folder that is needed to go on. */
  checkpoint(name: string): string;
  saveGraph(key: string, graph: Graph): Promise<void>;
  /** Undefined when there is no such checkpoint. */
  loadGraph(key: string): Promise<Graph | undefined>;
  /** Where a training keeps its state between epochs. */
  training(key: string): Checkpoint;
  /** Forgets the state of a training that is finished. */
  forgetTraining(key: string): Promise<void>;
  /** Removes the folders that were made, for a run that did not begin; those that hold anything stay. */
  abandon(): Promise<void>;
}

/** @throws TascnetError when the folder cannot be made or written to. */
export async function openDirectory(path: string): Promise<RunDirectory> {
  const checkpoints = join(path, 'checkpoints');
  let made: string[] = [];
  try {
    made = makeFolders(checkpoints);
    await requireWritable(join(path, 'run.json'));
  } catch (error) {
    await removeEmpty(made);
    throw new TascnetError(`The output folder "${path}" cannot be written: ${messageOf(error)}.`, {
      hint: 'Choose another folder with --out, or mend its permissions.',
    });
  }
  const graphPath = (key: string) => join(checkpoints, `${key}.onnx`);
  const trainingPath = (key: string) => join(checkpoints, `${key}.train`);
  return {
    path,
    record: join(path, 'run.json'),
    journal: join(path, 'journal.jsonl'),
    file: (name) => join(path, name),
    checkpoint: (name) => join(checkpoints, name),
    saveGraph: (key, graph) => save(graph, graphPath(key)),
    loadGraph: async (key) => ((await exists(graphPath(key))) ? load(graphPath(key)) : undefined),
    training: (key) => checkpointFile(trainingPath(key)),
    forgetTraining: (key) => rm(trainingPath(key), { force: true }),
    abandon: () => removeEmpty(made),
  };
}

async function removeEmpty(folders: readonly string[]): Promise<void> {
  for (const folder of folders.toReversed()) await rmdir(folder).catch(() => undefined);
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
