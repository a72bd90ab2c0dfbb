/** A command that works in a folder of its own: begun, or gone on with, and finished. */

import { cpus, totalmem } from 'node:os';
import { isAbsolute } from 'node:path';
import { optionsOf } from '../config/resolve.js';
import type { Engine } from '../engine/engine.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { type Journal, type JournalEvent, openJournal } from '../journal.js';
import { writeMetrics } from '../report/metrics.js';
import { type RunRecord, readRecord, writeRecord } from '../report/record.js';
import { writeReport } from '../report/report.js';
import { exists, openDirectory, type RunDirectory, sha256 } from './directory.js';
import { writeLabels } from './export.js';
import type { Hooks } from './hooks.js';
import { fitted, loadTrainable } from './prepare.js';
import { type PreparedData, prepareData } from './prepare-data.js';
import type { FinetuneSettings } from './settings.js';
import { tellOfOtherSeed } from './split-seed.js';
import { version } from './version.js';

export interface Session {
  /** The model as it came. */
  graph: Graph;
  data: PreparedData;
  directory: RunDirectory;
  journal: Journal;
  record: RunRecord;
  /** As of `performance.now()`. */
  started: number;
  close(): void;
}

type SessionSettings = FinetuneSettings;

/**
 * The settings that a folder was made with. `out` is another file for the result than that of the folder.
 * @throws TascnetError when it holds nothing, the work of another command, that of files that are gone, or a setting
 * that no option allows.
 */
export async function settingsOf<S>(command: RunRecord['command'], folder: string): Promise<S> {
  const directory = await openDirectory(folder);
  const record = await readRecord(directory.record);
  if (record.command !== command)
    throw new TascnetError(`"${folder}" holds a ${record.command}, not a ${command}.`, {
      hint: `Go on with it: tascnet ${record.command} --resume ${folder}`,
    });
  for (const path of [record.model.path, record.data.path])
    if (!(await exists(path)))
      throw new TascnetError(`"${path}", with which the ${command} in "${folder}" began, does not exist.`, {
        hint: isAbsolute(path) ? 'Put it back.' : 'Put it back, or go on from the folder in which it was begun.',
      });
  checkSettings(record, directory.record);
  return record.settings as S;
}

/** What these options come to is stored, not what was given. */
const DERIVED: readonly string[] = ['space'];

/** Settings that are options have values that these allow, as when they were given. */
function checkSettings({ command, settings }: RunRecord, path: string): void {
  for (const [key, { schema, expected }] of optionsOf(command)) {
    const value = settings[key];
    if (value === undefined || DERIVED.includes(key) || schema.safeParse(value).success) continue;
    throw new TascnetError(`${path} has ${JSON.stringify(value)} for "settings.${key}". Expected ${expected}.`, {
      hint: 'It was written by another version of tascnet, or changed by hand: put it right, or start anew.',
    });
  }
}

/**
 * Begins in the folder `out`, or goes on with what is there when `resume` is set.
 * @throws TascnetError for every kind of bad input; Interrupted when the signal fires.
 */
export async function openSession(
  command: RunRecord['command'],
  engine: Engine,
  settings: SessionSettings,
  out: string,
  resume: boolean,
  hooks: Hooks,
): Promise<Session> {
  const started = performance.now();
  const graph = await loadTrainable(settings.model);
  tellOfOtherSeed(graph, settings.model, settings.seed, hooks);
  const directory = await openDirectory(out);
  const { earlier, data, journal } = await begin(command, graph, settings, directory, resume, hooks);
  const close = () => {
    journal.close();
    data.close();
  };
  try {
    const begun = earlier
      ? await checkedRecord(earlier, settings, data)
      : await newRecord(command, engine, settings, data);
    const record = { ...begun, seconds: secondsBefore(journal.events) };
    journal.append('session');
    await writeRecord(directory.record, record);
    await writeLabels(directory.file('labels.txt'), data.dataset.classes);
    return { graph, data, directory, journal, record, started, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Says how to go on with work that failed or was stopped, whatever the reason: what was done is in the folder. */
export function tellHowToGoOn({ directory, record }: Session, hooks: Hooks): void {
  const message = `The ${record.command} is not finished. Go on with it: tascnet ${record.command} --resume ${directory.path}`;
  hooks.onEvent({ kind: 'warning', message });
}

/** Writes what came of it, and the report. */
export async function finishSession(
  { directory, record, started }: Session,
  result: Partial<RunRecord>,
): Promise<RunRecord> {
  const seconds = record.seconds + (performance.now() - started) / 1000;
  const finished: RunRecord = { ...record, ...result, seconds, status: 'done' };
  // "done" is said last: a run without a report is not.
  await writeRecord(directory.record, { ...finished, status: 'running' });
  await writeMetrics(directory.path);
  await writeReport(directory.path);
  await writeRecord(directory.record, finished);
  return finished;
}

/** Seconds of work of earlier sessions, each up to the last that its journal tells of: it may have been killed. */
export function secondsBefore(events: readonly Pick<JournalEvent, 'kind' | 'time'>[]): number {
  let milliseconds = 0;
  let [start, last] = [Number.NaN, Number.NaN];
  for (const { kind, time } of events) {
    const at = Date.parse(time);
    if (kind === 'session') start = at;
    else milliseconds += Math.max(0, at - (Number.isNaN(last) ? start : last));
    last = at;
  }
  return milliseconds / 1000;
}

/** What can be found wrong before anything is trained; a run that does not begin leaves no folder. */
async function begin(
  command: RunRecord['command'],
  graph: Graph,
  settings: SessionSettings,
  directory: RunDirectory,
  resume: boolean,
  hooks: Hooks,
) {
  let data: PreparedData | undefined;
  try {
    const earlier = await earlierRecord(command, directory, resume);
    data = await prepareData(graph, settings, hooks);
    fitted(graph, data, settings);
    return { earlier, data, journal: openJournal(directory.journal) };
  } catch (error) {
    data?.close();
    await directory.abandon();
    throw error;
  }
}

async function earlierRecord(
  command: RunRecord['command'],
  directory: RunDirectory,
  resume: boolean,
): Promise<RunRecord | undefined> {
  const there = await exists(directory.record);
  if (there && !resume)
    throw new TascnetError(`"${directory.path}" already holds a ${command}.`, {
      hint: `Go on with it: tascnet ${command} --resume ${directory.path}; or choose another --out.`,
    });
  if (!there && resume)
    throw new TascnetError(`"${directory.path}" holds no ${command} that could be resumed.`, {
      hint: 'Give the folder of an earlier one.',
    });
  return there ? readRecord(directory.record) : undefined;
}

async function checkedRecord(record: RunRecord, settings: SessionSettings, data: PreparedData): Promise<RunRecord> {
  if ((await sha256(settings.model)) !== record.model.sha256)
    throw new TascnetError(`${settings.model} is not the file that this run began with.`, {
      hint: 'Put the original back, or start anew.',
    });
  if (data.dataset.fingerprint !== record.data.fingerprint)
    throw new TascnetError(
      `The data in ${settings.data}, as the model takes them, are not those that this run began with.`,
      {
        hint: 'Put them back, or start anew.',
      },
    );
  return record;
}

async function newRecord(
  command: RunRecord['command'],
  engine: Engine,
  settings: SessionSettings,
  { dataset }: PreparedData,
): Promise<RunRecord> {
  const [cpu] = cpus();
  return {
    version: 1,
    command,
    tascnet: version(),
    status: 'running',
    model: { path: settings.model, sha256: await sha256(settings.model) },
    data: {
      path: settings.data,
      fingerprint: dataset.fingerprint,
      classes: dataset.classes,
      samples: { train: dataset.train.length, validation: dataset.validation.length, test: dataset.test.length },
      skipped: dataset.skipped,
    },
    settings: { ...settings },
    seed: settings.seed,
    engine: { backend: engine.backend, version: engine.version, device: engine.device },
    machine: {
      cpu: cpu?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      node: process.versions.node,
    },
    startedAt: new Date().toISOString(),
    seconds: 0,
    notes: [],
  };
}
