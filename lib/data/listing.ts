/** A CSV that lists the images: `file,label[,split]`, paths relative to the CSV. */

import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { concurrently } from './concurrently.js';
import type { Split } from './dataset.js';
import { type Labelled, splitNamed } from './folder.js';
import { readRows, refuse } from './rows.js';
import { isImageName, isInside, shown } from './scan.js';

/**
 * Reads the rows of a CSV.
 * @param root real path of the folder that the CSV lies in.
 * @throws TascnetError naming the lines that are wrong: a missing column, an empty field, an unknown split, a file that
 * does not exist, is no image, leaves the folder, or is listed twice.
 */
export async function readListing(csv: string, root: string): Promise<Labelled[]> {
  const { rows, columns } = await readRows(csv, [['file'], ['label']], 'images');
  const hasSplit = columns.includes('split');

  const lines = new Map<string, number>();
  const results = await concurrently(rows, 16, async ({ line, record }) => {
    const file = normalize(record.file?.trim() ?? '')
      .split(sep)
      .join('/');
    const className = record.label?.trim() ?? '';
    const word = record.split ?? '';
    const problem = (text: string) => ({ line, problem: `line ${line}: ${text}` });
    if (!record.file?.trim()) return problem('the file is empty');
    if (className === '') return problem('the label is empty');
    const split: Split | undefined = hasSplit ? splitNamed(word) : undefined;
    if (hasSplit && !split) return problem(`the split ${shown(word)} is none of train, val, test`);
    const wrong = await problemWith(file, root);
    return wrong === undefined ? { line, labelled: { file, className, split } } : problem(wrong);
  });

  const problems: string[] = [];
  const labelled: Labelled[] = [];
  for (const result of results) {
    if (!('labelled' in result)) {
      problems.push(result.problem);
      continue;
    }
    const { file } = result.labelled;
    const earlier = lines.get(file);
    if (earlier !== undefined) problems.push(`line ${result.line}: ${shown(file)} is already on line ${earlier}`);
    lines.set(file, result.line);
    labelled.push(result.labelled);
  }
  refuse(csv, problems);
  return labelled;
}

/** What is wrong with a file that the CSV lists. */
async function problemWith(file: string, root: string): Promise<string | undefined> {
  if (file.includes('\0')) return 'the file name holds a zero byte';
  if (isAbsolute(file)) return `${shown(file)} is an absolute path; it should be relative to the CSV`;
  const target = await realpath(join(root, file)).catch(() => undefined);
  if (target === undefined)
    return isInside(root, join(root, file))
      ? `${shown(file)} does not exist`
      : `${shown(file)} leaves the folder of the CSV`;
  if (!isInside(root, target)) return `${shown(file)} leaves the folder of the CSV`;
  if (!(await stat(target)).isFile()) return `${shown(file)} is not a file`;
  return isImageName(file) ? undefined : `${shown(file)} is not named like an image`;
}
