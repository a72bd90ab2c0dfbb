/** A network that teaches: another than the one that is trained, and perhaps of another input size. */

import { type BatchSource, forTeacher } from '../data/batch.js';
import { classesFrom, METADATA_KEYS } from '../data/preprocessing.js';
import { Interrupted, TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { classifierOutput } from '../train/output.js';
import { openExtent } from './asked-input.js';
import type { Hooks } from './hooks.js';
import { atSize, loadTrainable } from './prepare.js';
import { type PreparedData, prepareData } from './prepare-data.js';
import type { DataSettings } from './settings.js';
import { tellOfOtherSeed } from './split-seed.js';

export interface Teaching {
  teacher: Graph;
  /** The student's samples, with what the teacher sees of them. */
  student: BatchSource;
  close(): void;
}

/**
 * The network in the file `path` as a teacher of one that takes `data`. It sees the same samples in its own size and
 * preprocessing, varied in the same way.
 * @throws TascnetError when it is for other data or tells other classes apart.
 */
export async function teachingBy(
  path: string,
  data: PreparedData,
  settings: DataSettings,
  hooks: Hooks,
): Promise<Teaching> {
  const graph = await loadTrainable(path);
  requireSameClasses(graph, path, data.dataset.classes);
  tellOfOtherSeed(graph, path, settings.seed, hooks);
  const own = await ofTeacher(path, () => prepareData(graph, { ...settings, ...ownInput(graph, settings) }, hooks));
  try {
    const teacher = await ofTeacher(path, () => atSize(graph, own.preprocessing));
    if (JSON.stringify(own.preprocessing) !== JSON.stringify(data.preprocessing))
      return { teacher, student: forTeacher(data.student, own.student), close: own.close };
    // The student's own samples will do: the same ones are not kept twice while it is trained.
    own.close();
    return { teacher, student: data.student, close: () => undefined };
  } catch (error) {
    own.close();
    throw error;
  }
}

function requireSameClasses(graph: Graph, path: string, classes: readonly string[]): void {
  const hint = 'Give a network that was fine-tuned on the same data, with --teacher.';
  const own = classesFrom(graph.metadata);
  const count = own?.length ?? classifierOutput(graph).classes;
  if (count !== undefined && count !== classes.length)
    throw new TascnetError(`The teacher ${path} tells ${count} classes apart; the data have ${classes.length}.`, {
      hint,
    });
  const at = own?.findIndex((name, index) => name !== classes[index]) ?? -1;
  if (at >= 0)
    throw new TascnetError(
      `Class ${at} of the teacher ${path} is "${own?.[at]}"; that of the data is "${classes[at]}".`,
      {
        hint,
      },
    );
}

/** Errors about "the model" say which. */
async function ofTeacher<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TascnetError) || error instanceof Interrupted) throw error;
    const hint = 'A teacher that tascnet has fine-tuned says itself how it takes its samples.';
    throw new TascnetError(`The teacher ${path} cannot be used: ${error.message}`, { cause: error, hint });
  }
}

/** What was asked of the student's input holds for the teacher's where its own model says nothing. */
function ownInput(graph: Graph, { preprocessing, tokenizer, imageSize, textLength }: DataSettings) {
  const known = METADATA_KEYS.preprocessing in graph.metadata;
  const open = !known && openExtent(graph) !== undefined;
  return {
    ...(known ? { preprocessing: undefined, tokenizer: undefined } : { preprocessing, tokenizer }),
    ...(open ? { imageSize, textLength } : { imageSize: undefined, textLength: undefined }),
  };
}
