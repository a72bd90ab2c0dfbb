import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { secondsBefore, settingsOf } from '../../lib/run/session.js';
import { temporaryFolder } from '../data/folders.js';

const event = (kind: string, second: number) => ({ kind, time: new Date(1e12 + 1000 * second).toISOString() });

test('the time of work is that of all sessions, without what lies between them', () => {
  expect(secondsBefore([])).toBe(0);
  expect(secondsBefore([event('session', 0)])).toBe(0);
  const sessions = [
    event('session', 0),
    event('epoch', 10),
    event('step', 15),
    event('session', 1000),
    event('x', 1002),
  ];
  expect(secondsBefore(sessions)).toBe(17);
});

test('a run is gone on with where its model and data are', async () => {
  const folder = await temporaryFolder();
  const record = {
    ...{ version: 1, command: 'run', tascnet: '0', status: 'running', seed: 0, startedAt: '', seconds: 0, notes: [] },
    model: { path: 'net.onnx', sha256: '' },
    data: { path: folder, fingerprint: '', classes: [], samples: { train: 1, validation: 1, test: 1 }, skipped: [] },
    settings: { epochs: 3 },
    engine: { backend: '', version: '', device: '' },
    machine: { cpu: '', cores: 1, memoryGiB: 1, node: '' },
  };
  const write = (path: string, settings: object = record.settings) =>
    writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...record, settings, model: { path, sha256: '' } }));
  write('net.onnx');
  await expect(settingsOf('run', folder)).rejects.toThrow(
    /"net.onnx", with which the run in ".*" began, does not exist/,
  );
  write(folder);
  expect(await settingsOf('run', folder)).toEqual({ epochs: 3 });
  await expect(settingsOf('search', folder)).rejects.toThrow(/holds a run, not a search/);
  write(folder, { epochs: '3' });
  await expect(settingsOf('run', folder)).rejects.toThrow(
    /run\.json has "3" for "settings\.epochs"\. Expected a whole/,
  );
  write(folder, { epochs: 3, optimizer: 'lion' });
  await expect(settingsOf('run', folder)).rejects.toThrow(/run\.json has "lion" for "settings\.optimizer"/);
});
