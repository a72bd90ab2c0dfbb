import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { tellUnheeded } from '../../lib/cli/resumed.js';
import type { Source } from '../../lib/config/resolve.js';
import type { RunEvent } from '../../lib/run/hooks.js';
import { temporaryFolder } from '../data/folders.js';

test('options that differ from those of a run that goes on are named', async () => {
  const folder = await temporaryFolder();
  const record = {
    ...{ version: 1, command: 'run', tascnet: '0', status: 'running', seed: 0, startedAt: '', seconds: 0, notes: [] },
    model: { path: '', sha256: '' },
    data: { path: '', fingerprint: '', classes: [], samples: { train: 1, validation: 1, test: 1 }, skipped: [] },
    settings: { epochs: 30, batchSize: 32, ignore: ['a'], learningRate: 0.1 },
    engine: { backend: '', version: '', device: '' },
    machine: { cpu: '', cores: 1, memoryGiB: 1, node: '' },
  };
  writeFileSync(join(folder, 'run.json'), JSON.stringify(record));
  const told = async (settings: object, sources: Record<string, Source>, place = folder) => {
    const events: RunEvent[] = [];
    await tellUnheeded(place, { settings, sources, onEvent: (event) => events.push(event) });
    return events;
  };
  const settings = { epochs: 50, batchSize: 32, ignore: ['a', 'b'], learningRate: 0.001, quiet: true };
  const line = 'command line' as const;
  const sources = { epochs: line, batchSize: line, ignore: line, quiet: line, learningRate: 'default' as const };
  expect(await told(settings, sources)).toEqual([
    { kind: 'warning', message: expect.stringMatching(/^Not heeded: --epochs, --ignore\. /) },
  ]);
  expect(await told({ ...settings, epochs: 30, ignore: ['a'] }, sources)).toEqual([]);
  expect(await told(settings, sources, join(folder, 'nowhere'))).toEqual([]);
});
