import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { randomGenerator } from '../../lib/graph/random.js';
import { openJournal, readJournal } from '../../lib/journal.js';
import { searchHistory } from '../../lib/search/history.js';
import type { TrialRecord } from '../../lib/search/objective.js';
import { type Point, pointAt, type Space } from '../../lib/search/space.js';
import { openStudy } from '../../lib/search/study.js';

const FIRST: Space = [
  { name: 'head:layers', kind: 'integer', low: 0, high: 2 },
  { name: 'head:neurons1', kind: 'ordinal', values: [64, 128], when: { dimension: 'head:layers', in: [1, 2] } },
  { name: 'a:width', kind: 'ordinal', values: [0.25, 0.5, 0.75, 1] },
];
const SECOND: Space = [...FIRST, { name: 'b:activation', kind: 'categorical', values: ['kept', 'relu', 'elu'] }];

/** The accuracy follows the width of a and the activation of b, the cost the width. */
function record(trial: number, depth: number, configuration: Point): TrialRecord {
  const width = Number(configuration['a:width']);
  const accuracy = 0.6 + 0.2 * width - (configuration['b:activation'] === 'elu' ? 0.1 : 0);
  const costs = { macs: 1000 * width, parameters: 100, trainableParameters: 10, trainedMacs: 10 };
  return { trial, depth, configuration, accuracy, loss: 1, ...costs, seconds: 1, curve: [accuracy] };
}

async function journalOf(path: string): Promise<TrialRecord[]> {
  const journal = openJournal(path);
  const random = randomGenerator('history');
  const records: TrialRecord[] = [];
  for (const [depth, space] of [
    [1, FIRST],
    [2, SECOND],
  ] as const) {
    const start = { 'head:layers': 0, 'a:width': 1, ...(depth === 2 ? { 'b:activation': 'kept' } : {}) };
    const study = openStudy({ space, sampler: 'random', seed: 1, id: `depth ${depth}`, initial: [start], journal });
    for (let trial = 0; trial < 12; trial++) {
      const asked = await study.ask();
      if (!asked) break;
      const point =
        trial === 0
          ? asked.point
          : pointAt(
              space,
              space.map(() => random.next()),
            );
      const told = record(records.length, depth, point);
      if (trial === 5) delete told.accuracy;
      records.push(told);
      study.tell(
        asked.number,
        told.accuracy === undefined
          ? { failed: 'not a number', details: { ...told, failed: 'not a number' } }
          : { value: told.accuracy, details: { ...told } },
      );
    }
  }
  const [, , , chosen] = records;
  journal.append('phase', { phase: 'search', outcome: { configuration: chosen?.configuration } });
  journal.close();
  return records;
}

test('the journal of a search tells of its trials, what matters, and the front of accuracy and MACs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tascnet-history-'));
  try {
    const path = join(folder, 'journal.jsonl');
    const records = await journalOf(path);
    const { trials, chosen, pareto, importance } = searchHistory(readJournal(path));
    expect(trials.map(({ trial }) => trial)).toEqual(records.map(({ trial }) => trial));
    expect(trials.filter(({ failed }) => failed !== undefined)).toHaveLength(2);
    expect(chosen?.configuration).toEqual(records[3]?.configuration);
    // Brute force: no other trial is at least as good in both and better in one.
    const measured = records.filter((one): one is TrialRecord & { accuracy: number } => one.accuracy !== undefined);
    const unbeaten = measured.filter(
      (one) =>
        !measured.some(
          (other) =>
            other.accuracy >= one.accuracy &&
            other.macs <= one.macs &&
            (other.accuracy > one.accuracy || other.macs < one.macs),
        ),
    );
    const corners = (list: TrialRecord[]) =>
      [...new Set(list.map(({ accuracy, macs }) => `${accuracy} ${macs}`))].sort();
    expect(corners(pareto)).toEqual(corners(unbeaten));
    expect(importance.map(({ choice }) => choice).sort()).toEqual(SECOND.map(({ name }) => name).sort());
    const shares = new Map(importance.map(({ choice, ...rest }) => [choice, rest]));
    expect(shares.get('a:width')?.macs).toBeGreaterThan(0.9);
    expect((shares.get('a:width')?.accuracy ?? 0) + (shares.get('b:activation')?.accuracy ?? 0)).toBeGreaterThan(0.8);
    expect(importance[0]?.choice).toBe('a:width');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a search that has hardly begun tells of no importance', () => {
  expect(searchHistory([])).toEqual({ trials: [], chosen: undefined, pareto: [], importance: [] });
});
