/**
 * The append-only event log of a run: JSON Lines, one event a line, on the disk (fsync) when `append` returns. A process
 * that is killed leaves at most a torn last line, which readers pass over and the next writer cuts off.
 */

import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { messageOf, TascnetError } from './errors.js';
import { takeLock } from './journal/lock.js';
import { makeFolders } from './journal/whole-file.js';

/** One event: when (ISO 8601, UTC), what, and the fields of that kind. */
export interface JournalEvent {
  time: string;
  kind: string;
  [field: string]: unknown;
}

export interface Journal {
  readonly path: string;
  /** Every event of the file, oldest first: those found when it was opened and those appended since. */
  readonly events: readonly JournalEvent[];
  /**
   * Writes an event and waits until it is on the disk. Numbers that JSON has no word for (NaN) become null.
   * @throws TascnetError when it cannot be written; the file then ends with the event before it.
   */
  append(kind: string, fields?: Record<string, unknown>): JournalEvent;
  /** Lets the next writer in. */
  close(): void;
}

const eventSchema = z.looseObject({ time: z.string(), kind: z.string() });

/**
 * Opens a journal for appending, creating it (and its folder) where it does not exist, and cutting off a torn last line.
 * @throws TascnetError when another process writes it, when it cannot be written, or when it is not a journal.
 */
export function openJournal(path: string): Journal {
  let unlock: (() => void) | undefined;
  let file: number | undefined;
  try {
    makeFolders(dirname(path));
    unlock = takeLock(path);
    const isNew = !existsSync(path);
    file = openSync(path, isNew ? 'wx+' : 'r+');
    if (isNew) syncFolder(path);
    return writer(path, file, unlock);
  } catch (error) {
    if (file !== undefined) closeSync(file);
    unlock?.();
    if (error instanceof TascnetError) throw error;
    throw new TascnetError(`The journal "${path}" cannot be written: ${messageOf(error)}.`, { cause: error });
  }
}

/**
 * The events of a journal, also while another process writes it; none where there is no file.
 * @throws TascnetError when a line other than the last is not an event.
 */
export function readJournal(path: string): JournalEvent[] {
  if (!existsSync(path)) return [];
  return parse(path, readFileSync(path)).events;
}

/** The events of one kind, with their fields checked. @throws TascnetError naming the event that does not fit. */
export function eventsOfKind<Fields extends z.ZodType>(
  events: readonly JournalEvent[],
  kind: string,
  fields: Fields,
): z.output<Fields>[] {
  return events
    .filter((event) => event.kind === kind)
    .map((event) => {
      const { success, data, error } = fields.safeParse(event);
      if (success) return data;
      throw new TascnetError(
        `The journal's "${kind}" event of ${event.time} is not as expected: ${z.prettifyError(error)}`,
        {
          hint: 'It was written by another version of tascnet, or changed by hand.',
        },
      );
    });
}

function writer(path: string, file: number, unlock: () => void): Journal {
  const { events, length } = parse(path, readFileSync(path));
  ftruncateSync(file, length);
  let end = length;
  let open = true;
  return {
    path,
    events,
    append(kind, fields = {}) {
      if (!open) throw new TascnetError(`The journal "${path}" is closed.`);
      const line = JSON.stringify({ time: new Date().toISOString(), kind, ...fields });
      const bytes = Buffer.from(`${line}\n`);
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, end + done);
        fsyncSync(file);
      } catch (error) {
        ftruncateSync(file, end);
        throw new TascnetError(`The journal "${path}" cannot be written: ${messageOf(error)}.`, { cause: error });
      }
      end += bytes.length;
      // What a reader would get, so that a run and its resumption work with the same values.
      const event: JournalEvent = JSON.parse(line);
      events.push(event);
      return event;
    },
    close() {
      if (!open) return;
      open = false;
      closeSync(file);
      unlock();
    },
  };
}

/** The whole events, and the length in bytes up to the end of the last of them. */
function parse(path: string, bytes: Buffer): { events: JournalEvent[]; length: number } {
  const events: JournalEvent[] = [];
  let length = 0;
  for (let line = 1; length < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, length);
    if (end < 0) break;
    const event = eventOf(bytes.toString('utf8', length, end));
    if (!event) {
      // After a power cut the end of the file can be there without its contents.
      if (end === bytes.length - 1) break;
      throw new TascnetError(`The journal "${path}" is damaged: its line ${line} is not an event.`, {
        hint: 'Move the file away to start anew.',
      });
    }
    events.push(event);
    length = end + 1;
  }
  return { events, length };
}

function eventOf(line: string): JournalEvent | undefined {
  try {
    const { success, data } = eventSchema.safeParse(JSON.parse(line));
    return success ? data : undefined;
  } catch {
    return undefined;
  }
}

/** A new file is only there for good once its folder is on the disk; not every system can sync a folder. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
