/** Finding image files: safely, since folders come from strangers (links, devices, odd names). */

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { messageOf, TascnetError } from '../errors.js';
import type { Skipped } from './dataset.js';

/** File name endings of the formats that are decoded. */
export const IMAGE_ENDINGS: readonly string[] = [
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.png',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
];

export function isImageName(name: string): boolean {
  return IMAGE_ENDINGS.includes(extname(name).toLowerCase());
}

/** A name as it is shown to a person: quoted, with control characters escaped. */
export function shown(name: string): string {
  return JSON.stringify(name);
}

/** Hidden files and what archivers leave behind. */
function isIgnored(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX';
}

export interface Listing {
  /** Names of the sub-folders, sorted. */
  folders: string[];
  /** Names of the regular files, sorted. */
  files: string[];
}

/**
 * The folder's entries, links resolved. What is neither a file nor a folder, and links that leave `root` or lead
 * nowhere, go to `skipped`.
 * @param root real path of the dataset.
 * @param folder relative to root.
 * @throws TascnetError when the folder cannot be read.
 */
export async function listFolder(root: string, folder: string, skipped: Skipped[]): Promise<Listing> {
  const listing: Listing = { folders: [], files: [] };
  const path = join(root, folder);
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw new TascnetError(`The folder ${shown(path)} cannot be read: ${messageOf(error)}.`, { cause: error });
  });
  for (const entry of entries) {
    if (isIgnored(entry.name)) continue;
    const file = folder === '' ? entry.name : `${folder}/${entry.name}`;
    const skip = (reason: string) => skipped.push({ file, reason });
    if (entry.name.includes('\uFFFD')) {
      skip('its name is not valid UTF-8');
      continue;
    }
    let kind: Pick<typeof entry, 'isFile' | 'isDirectory'> = entry;
    if (entry.isSymbolicLink()) {
      const target = await realpath(join(root, file)).catch(() => undefined);
      if (target === undefined) {
        skip('it is a link that leads nowhere');
        continue;
      }
      if (!isInside(root, target)) {
        skip('it is a link that leaves the dataset folder');
        continue;
      }
      kind = await stat(target);
    }
    if (kind.isDirectory()) listing.folders.push(entry.name);
    else if (kind.isFile()) listing.files.push(entry.name);
    else skip('it is a device, pipe or socket, not a file');
  }
  listing.folders.sort();
  listing.files.sort();
  return listing;
}

/** Whether `path` lies within `root`; both are real paths. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && way !== path);
}

/**
 * The image files within a folder and its sub-folders, relative to root, sorted. Files of other kinds go to `skipped`.
 * @throws TascnetError when a folder cannot be read.
 */
export async function listImages(root: string, folder: string, skipped: Skipped[]): Promise<string[]> {
  const images: string[] = [];
  const seen = new Set<string>();
  const visit = async (at: string): Promise<void> => {
    const real = await realpath(join(root, at));
    // A link to a folder above itself would go round for ever.
    if (seen.has(real)) return;
    seen.add(real);
    const { folders, files } = await listFolder(root, at, skipped);
    for (const name of files) {
      const file = `${at}/${name}`;
      if (isImageName(name)) images.push(file);
      else skipped.push({ file, reason: `its name does not end like an image (${IMAGE_ENDINGS.join(', ')})` });
    }
    for (const name of folders) await visit(`${at}/${name}`);
  };
  await visit(folder);
  return images.sort();
}

const END_BYTES = 4096;

/** What tells a file's content from another: size, digest of both ends, time of change. */
export async function identify(path: string): Promise<{ content: string; modified: number }> {
  // Without O_NONBLOCK, a pipe put in the file's place would hang the opening for ever.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const { size, mtimeMs } = await handle.stat();
    const ends = Buffer.alloc(Math.min(size, 2 * END_BYTES));
    const head = Math.min(size, END_BYTES);
    await handle.read(ends, 0, head, 0);
    if (size > head) await handle.read(ends, head, ends.length - head, size - (ends.length - head));
    const digest = createHash('sha256').update(ends).digest('hex').slice(0, 32);
    return { content: `${size}-${digest}`, modified: mtimeMs };
  } finally {
    await handle.close();
  }
}
