import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openJournal } from '../../lib/journal.js';
import { openDirectory } from '../../lib/run/directory.js';
import { phase } from '../../lib/run/phases.js';
import { tunedSchema } from '../../lib/run/stages.js';
import { temporaryFolder } from '../data/folders.js';
import { graphBuilder } from '../models/builder.js';

test('a part that was done is not done again; what the journal tells of it is checked', async () => {
  const folder = await temporaryFolder();
  const directory = await openDirectory(folder);
  const journal = openJournal(join(folder, 'journal.jsonl'));
  const parts = { directory, journal, hooks: { onEvent: () => undefined } };
  const b = graphBuilder('part');
  const graph = b.build(b.node('Relu', [b.input([3, 4, 4])]));
  let times = 0;
  const part = () =>
    phase('baseline', parts, tunedSchema, async () => {
      times++;
      return { graph, outcome: { accuracy: 0.75, loss: Number.NaN } };
    });
  expect((await part()).outcome).toEqual({ accuracy: 0.75, loss: Number.NaN });
  // The journal has no word for NaN.
  const again = await part();
  expect(again.outcome).toEqual({ accuracy: 0.75, loss: Number.NaN });
  expect(again.graph.nodes.map(({ op }) => op)).toEqual(['Relu']);
  expect(times).toBe(1);

  await directory.saveGraph('stage1', graph);
  journal.append('phase', { phase: 'stage1', outcome: { accuracy: 'good' } });
  const other = phase('stage1', parts, tunedSchema, () => Promise.reject(new Error('It was done.')));
  await expect(other).rejects.toThrow(/"phase" event of .* is not as expected.*outcome/s);
  journal.append('phase', { phase: 'search', outcome: { accuracy: 0.5, loss: 1 } });
  const lost = phase('search', parts, tunedSchema, () => Promise.reject(new Error('It was done.')));
  await expect(lost).rejects.toThrow(/The checkpoint of "search" is missing/);
  journal.close();
});
