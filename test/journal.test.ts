import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { z } from 'zod';
import { eventsOfKind, openJournal, readJournal } from '../lib/journal.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tascnet-journal-'));
  path = join(folder, 'deep', 'journal.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(...kinds: string[]): void {
  const journal = openJournal(path);
  for (const kind of kinds) journal.append(kind, { text: `line\nof "${kind}" ä→😀`, values: [1, 0.1, Number.NaN] });
  journal.close();
}

test('gives back what was appended, over several openings', () => {
  expect(readJournal(path)).toEqual([]);
  write('one', 'two');
  write('three');
  const events = readJournal(path);
  expect(events.map((event) => event.kind)).toEqual(['one', 'two', 'three']);
  expect(events[0]).toMatchObject({ text: 'line\nof "one" ä→😀', values: [1, 0.1, null] });
  expect(Date.parse(events[2]?.time ?? '')).toBeGreaterThan(Date.now() - 60_000);
  const journal = openJournal(path);
  expect(journal.events).toEqual(events);
  expect(journal.append('four', { nan: Number.NaN })).toMatchObject({ kind: 'four', nan: null });
  expect(journal.events).toEqual(readJournal(path));
  journal.close();
});

test('a last line torn at any byte is passed over, then cut off', () => {
  write('one');
  const whole = readFileSync(path);
  write('two');
  const both = readFileSync(path);
  for (let length = whole.length; length < both.length; length++) {
    writeFileSync(path, both.subarray(0, length));
    expect(readJournal(path).map((event) => event.kind)).toEqual(['one']);
  }
  truncateSync(path, both.length - 3);
  write('three');
  expect(readFileSync(path).subarray(0, whole.length)).toEqual(whole);
  expect(readJournal(path).map((event) => event.kind)).toEqual(['one', 'three']);
});

test('a last line of zeros, as a power cut leaves it, is torn as well', () => {
  write('one');
  appendFileSync(path, Buffer.concat([Buffer.alloc(40), Buffer.from('\n')]));
  expect(readJournal(path)).toHaveLength(1);
  write('two');
  expect(readJournal(path)).toHaveLength(2);
});

test('a damaged line in the middle is an error that names it', () => {
  write('one', 'two');
  const lines = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, [lines[0], '{"time": 3}', lines[1], ''].join('\n'));
  expect(() => readJournal(path)).toThrow(/line 2 is not an event/);
  expect(() => openJournal(path)).toThrow(/line 2 is not an event/);
  expect(existsSync(`${path}.lock`)).toBe(false);
});

test('a second writer is refused, within a process as well', () => {
  const journal = openJournal(path);
  expect(() => openJournal(path)).toThrow(/being written by this very process/);
  journal.append('one');
  journal.close();
  expect(() => journal.append('two')).toThrow(/closed/);
  write('three');
  expect(readJournal(path)).toHaveLength(2);
});

test('a writer in another process is refused while it lives and replaced once it was killed', async () => {
  write('one');
  const holder = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("up")'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const stat = readFileSync(`/proc/${holder.pid}/stat`, 'utf8');
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const started = `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  writeFileSync(`${path}.lock`, JSON.stringify({ pid: holder.pid, started, host: hostname() }));
  expect(() => openJournal(path)).toThrow(new RegExp(`written by process ${holder.pid}`));
  // The same number, another process: the one that wrote the lock is gone.
  writeFileSync(`${path}.lock`, JSON.stringify({ pid: holder.pid, started: `${boot} 1`, host: hostname() }));
  write('two');
  writeFileSync(`${path}.lock`, JSON.stringify({ pid: holder.pid, started, host: hostname() }));
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  write('three');
  expect(readJournal(path)).toHaveLength(3);
  expect(existsSync(`${path}.lock`)).toBe(false);
});

test('a lock of another machine is respected; an empty one only while it can still be filled', () => {
  write('one');
  writeFileSync(`${path}.lock`, JSON.stringify({ pid: 1, started: null, host: 'elsewhere.example' }));
  expect(() => openJournal(path)).toThrow(/another machine/);
  writeFileSync(`${path}.lock`, '');
  expect(() => openJournal(path)).toThrow(/another process/);
});

test('a place that cannot be written is one clear sentence', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => openJournal(join(folder, 'file', 'journal.jsonl'))).toThrow(/cannot be written/);
  expect(() => openJournal(folder)).toThrow(/cannot be written/);
  // Linux refuses folders there with ENOENT, which Node's own recursive mkdir takes for a reason to go on for ever.
  if (process.platform === 'linux')
    expect(() => openJournal('/proc/tascnet/deep/journal.jsonl')).toThrow(/cannot be written/);
});

test('the fields of a kind are checked when they are read', () => {
  const journal = openJournal(path);
  journal.append('epoch', { loss: 0.5 });
  journal.append('other');
  expect(eventsOfKind(journal.events, 'epoch', z.object({ loss: z.number() }))).toEqual([{ loss: 0.5 }]);
  journal.append('epoch', { loss: 'low' });
  expect(() => eventsOfKind(journal.events, 'epoch', z.object({ loss: z.number() }))).toThrow(/loss/);
  journal.close();
});
