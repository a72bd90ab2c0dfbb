/** A network that teaches: another than the one that is trained, and perhaps of another input size. */

import { type BatchSource, forTeacher } from '../data/batch.js';
import { classesFrom, METADATA_KEYS } from '../data/preprocessing.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
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
 * @throws TascnetError when it tells other classes apart.
 */
export async function teachingBy(
  path: string,
  data: PreparedData,
  settings: DataSettings,
  hooks: Hooks,
): Promise<Teaching> {
  const graph = await loadTrainable(path);
  const classes = classesFrom(graph.metadata);
  if (classes && classes.join('\n') !== data.dataset.classes.join('\n'))
    throw new TascnetError(
      `The teacher ${path} knows the classes ${listed(classes)}; those of the data are ${listed(data.dataset.classes)}.`,
      { hint: 'Give a network that was fine-tuned on the same data, with --teacher.' },
    );
  tellOfOtherSeed(graph, path, settings.seed, hooks);
  const own = await prepareData(graph, { ...settings, ...ownInput(graph, settings) }, hooks);
  const teacher = atSize(graph, own.preprocessing);
  if (JSON.stringify(own.preprocessing) === JSON.stringify(data.preprocessing)) {
    own.close();
    return { teacher, student: data.student, close: () => undefined };
  }
  return { teacher, student: forTeacher(data.student, own.student), close: own.close };
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

const MOST_LISTED = 5;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_LISTED;
  return `${names.slice(0, MOST_LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
