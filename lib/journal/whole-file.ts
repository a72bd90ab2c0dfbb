/** Files that are whole or not there, and folders that can be written to. */

import { randomBytes } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, TascnetError } from '../errors.js';

/**
 * Fills a temporary file beside `file` and renames it.
 * @param check told the temporary file's path once it is whole; what it throws keeps the file from getting its name.
 * @throws TascnetError when that fails; nothing is left behind.
 */
export async function writeAtomically(
  file: string,
  fill: (handle: FileHandle) => Promise<void>,
  check?: (path: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(file);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await check?.(temporary);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (error instanceof TascnetError) throw error;
    throw unwritable(file, error);
  }
}

/** Writes a text file, whole or not at all. @throws TascnetError when that fails. */
export async function writeText(file: string, text: string): Promise<void> {
  await writeAtomically(file, (handle) => handle.writeFile(text));
}

/** Finds out before hours of work whether `file` could be written. @throws TascnetError when it could not. */
export async function requireWritable(file: string): Promise<void> {
  const probe = temporaryName(file);
  try {
    if (isFolder(file)) throw new Error('it is a folder');
    await (await open(probe, 'wx')).close();
  } catch (error) {
    throw unwritable(file, error);
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

/**
 * Makes a folder and those that it lies in. Node's own recursive mkdir never returns where a system refuses a folder
 * with ENOENT, as Linux does in /proc.
 * @returns the folders that were made, the outermost first.
 * @throws Error of the file system.
 */
export function makeFolders(path: string): string[] {
  if (isFolder(path)) return [];
  const parent = dirname(path);
  const made = parent === path ? [] : makeFolders(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    if (!isFolder(path)) throw error;
    return made;
  }
  return [...made, path];
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function temporaryName(file: string): string {
  return `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
}

function unwritable(file: string, error: unknown): TascnetError {
  return new TascnetError(`${file} cannot be written: ${messageOf(error)}.`, {
    hint: 'Check that the folder exists, that you may write there and that the disk is not full.',
    cause: error,
  });
}
