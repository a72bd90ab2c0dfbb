/** The report of a small made-up run: whole, and safe to open whatever classes and files are called. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { RunRecord } from '../../lib/report/record.js';
import { writeReport } from '../../lib/report/report.js';
import { temporaryFolder } from '../data/folders.js';

const HOSTILE = '<img src=x onerror="alert(1)">';

const record: RunRecord = {
  version: 1,
  command: 'run',
  tascnet: '0.0.0',
  status: 'running',
  model: { path: `${HOSTILE}.onnx`, sha256: '' },
  data: {
    path: `${HOSTILE}/`,
    fingerprint: '',
    classes: [HOSTILE, 'dog & cat'],
    samples: { train: 7, validation: 1, test: 2 },
    skipped: [{ file: `${HOSTILE}.jpg`, reason: 'it is empty' }],
  },
  settings: { model: HOSTILE, epochs: 3 },
  seed: 0,
  engine: { backend: 'tensorflow', version: '2', device: 'cpu' },
  machine: { cpu: HOSTILE, cores: 2, memoryGiB: 1, node: '20' },
  startedAt: '2026-01-01T00:00:00.000Z',
  seconds: 1,
  notes: [HOSTILE],
};

test('names with HTML in them stay text', async () => {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'run.json'), JSON.stringify(record));
  const html = readFileSync(await writeReport(folder), 'utf8');
  expect(html).not.toContain('<img');
  expect(html).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;, dog &amp; cat');
  expect(html).toContain('This run is not finished.');
  // Nothing is fetched when it is opened.
  expect(html).not.toMatch(/<script|<link|(?:src|href)="/);
});
