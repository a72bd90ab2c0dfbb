import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { openJournal } from '../../lib/journal.js';
import { writeMetrics } from '../../lib/report/metrics.js';
import { temporaryFolder } from '../data/folders.js';

test('the epochs of a run as a table, each once', async () => {
  const folder = await temporaryFolder();
  const journal = openJournal(join(folder, 'journal.jsonl'));
  const epoch = (part: string, number: number, loss: number) =>
    journal.append('epoch', { part, epoch: number, loss, accuracy: 0.5, learningRate: 1e-7, seconds: 2 });
  epoch('baseline', 0, 1.5);
  journal.append('phase', { phase: 'baseline' });
  epoch('prune-0', 0, 0.5);
  epoch('prune-0', 1, Number.NaN);
  epoch('prune-0', 1, 0.25);
  journal.close();
  await writeMetrics(folder);
  const rows = parse(readFileSync(join(folder, 'metrics.csv')), { columns: true }) as Record<string, string>[];
  expect(rows.map(({ part, epoch: number, loss }) => [part, number, loss])).toEqual([
    ['baseline', '1', '1.5'],
    ['prune-0', '1', '0.5'],
    ['prune-0', '2', '0.25'],
  ]);
  expect(Number(rows[0]?.learningRate)).toBe(1e-7);
});
