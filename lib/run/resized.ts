/** A search may choose another image size than its network came with: from there on the data are those of that size. */

import { forTeacher } from '../data/batch.js';
import { imageSize } from '../data/input-preprocessing.js';
import type { Graph } from '../graph/graph.js';
import { imageSizeOf } from '../search/searchable.js';
import { type Evidence, measure } from '../validate/evidence.js';
import type { Hooks } from './hooks.js';
import { type PreparedData, prepareData } from './prepare-data.js';
import type { DataSettings } from './settings.js';

/**
 * The data as `graph` takes them: `data` itself, or the same images at another size, which the caller is to close. A network
 * that takes them as they were teaches the student from those.
 */
export async function dataFor(
  graph: Graph,
  data: PreparedData,
  settings: DataSettings,
  hooks: Hooks,
): Promise<PreparedData> {
  const [own] = imageSize(data.preprocessing) ?? [];
  const size = imageSizeOf(graph) ?? own;
  if (size === own) return data;
  const resized = await prepareData(graph, { ...settings, imageSize: size }, hooks);
  return { ...resized, student: forTeacher(resized.student, data.student) };
}

/** Measures exported models in their order, those that stand side by side and take the same images together. */
export async function measureEach(
  models: readonly { file: string; data: PreparedData }[],
  { signal, onEvent }: Hooks,
): Promise<Evidence[]> {
  const entries: Evidence[] = [];
  while (entries.length < models.length) {
    const rest = models.slice(entries.length);
    const [first] = rest;
    if (!first) break;
    const end = rest.findIndex(({ data }) => data !== first.data);
    const files = rest.slice(0, end < 0 ? rest.length : end).map(({ file }) => file);
    const measured = await measure(files, {
      test: first.data.test,
      signal,
      onProgress: (done, total, what) => onEvent({ kind: 'progress', what: `Measuring ${what}`, done, total }),
    });
    entries.push(...measured.entries);
  }
  return entries;
}
