/** `metrics.csv`: the trainings of a run, an epoch a line, for a table program or a plot. */

import { join } from 'node:path';
import { writeText } from '../journal/whole-file.js';
import { readJournal } from '../journal.js';

const COLUMNS = [
  'part',
  'epoch',
  'loss',
  'accuracy',
  'validationLoss',
  'validationAccuracy',
  'learningRate',
  'seconds',
] as const;

/**
 * Reads the journal of a run folder and writes its epochs, in the order in which they were trained: `epoch` counts from 1
 * within each part; an epoch that was trained again after an interruption stands there once, as it was trained last.
 */
export async function writeMetrics(directory: string): Promise<void> {
  const rows = new Map<string, string>();
  for (const event of readJournal(join(directory, 'journal.jsonl'))) {
    if (event.kind !== 'epoch') continue;
    const fields: Record<string, unknown> = { ...event, epoch: Number(event.epoch) + 1 };
    rows.set(`${event.part} ${event.epoch}`, COLUMNS.map((column) => fields[column] ?? '').join(','));
  }
  await writeText(join(directory, 'metrics.csv'), `${[COLUMNS.join(','), ...rows.values()].join('\n')}\n`);
}
