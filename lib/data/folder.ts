/** Class folders: `DIR/class/…` or `DIR/{train,val,test}/class/…`. */

import { join } from 'node:path';
import { TascnetError } from '../errors.js';
import type { Skipped, Split } from './dataset.js';
import { isImageName, type Listing, listFolder, listImages, shown } from './scan.js';

/** A file with its class name and, where the source tells, its split. */
export interface Labelled {
  file: string;
  className: string;
  split: Split | undefined;
}

const SPLIT_FOLDERS: ReadonlyMap<string, Split> = new Map([
  ['train', 'train'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['validation', 'validation'],
  ['test', 'test'],
]);

/** The split that a word (`train`, `val`, `valid`, `validation`, `test`) names. */
export function splitNamed(word: string): Split | undefined {
  return SPLIT_FOLDERS.get(word.trim().toLowerCase());
}

/**
 * Reads the class folders of `root` (a real path).
 * @throws TascnetError when there are none, or one holds no image.
 */
export async function readFolder(root: string, skipped: Skipped[]): Promise<Labelled[]> {
  const top = await listFolder(root, '', skipped);
  if (await isSplitFolder(root, top)) return readSplitFolders(root, top, skipped);
  const looseImages = top.files.filter(isImageName);
  if (top.folders.length === 0)
    throw new TascnetError(
      looseImages.length > 0
        ? `The data folder ${shown(root)} holds ${looseImages.length} images but no class folders.`
        : `The data folder ${shown(root)} holds no class folders and no split.csv.`,
      {
        hint: 'Put the images of each class into a folder of its own (DIR/class/image.jpg), or give a CSV: file,label.',
      },
    );
  for (const name of looseImages) skipped.push({ file: name, reason: 'it lies beside the class folders, not in one' });
  return readClasses(root, '', top.folders, undefined, skipped);
}

/** A class may be called "train" too: then its images lie directly in it. */
async function isSplitFolder(root: string, top: Listing): Promise<boolean> {
  if (!top.folders.includes('train')) return false;
  const inside = await listFolder(root, 'train', []);
  return inside.folders.length > 0 && !inside.files.some(isImageName);
}

async function readSplitFolders(root: string, top: Listing, skipped: Skipped[]): Promise<Labelled[]> {
  const labelled: Labelled[] = [];
  const used = new Map<Split, string>();
  for (const folder of top.folders) {
    const split = SPLIT_FOLDERS.get(folder);
    if (!split) {
      skipped.push({
        file: folder,
        reason: 'it lies beside train/, but is none of train, val, valid, validation, test',
      });
      continue;
    }
    const other = used.get(split);
    if (other !== undefined)
      throw new TascnetError(`The data folder ${shown(root)} has both ${other}/ and ${folder}/ for ${split}.`, {
        hint: 'Keep one of them.',
      });
    used.set(split, folder);
    const inside = await listFolder(root, folder, skipped);
    if (inside.folders.length === 0)
      throw new TascnetError(`The folder ${shown(join(root, folder))} holds no class folders.`, {
        hint: 'Without labels its images cannot be used: put them into class folders, or take the folder away.',
      });
    labelled.push(...(await readClasses(root, `${folder}/`, inside.folders, split, skipped)));
  }
  return labelled;
}

async function readClasses(
  root: string,
  prefix: string,
  folders: readonly string[],
  split: Split | undefined,
  skipped: Skipped[],
): Promise<Labelled[]> {
  const labelled: Labelled[] = [];
  for (const className of folders) {
    const files = await listImages(root, `${prefix}${className}`, skipped);
    if (files.length === 0)
      throw new TascnetError(`The class folder ${shown(join(root, prefix, className))} holds no image.`, {
        hint: 'Put images into it (JPEG, PNG, WebP, GIF, TIFF or AVIF), or remove the folder.',
      });
    for (const file of files) labelled.push({ file, className, split });
  }
  return labelled;
}
