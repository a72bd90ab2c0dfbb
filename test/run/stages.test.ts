import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openJournal } from '../../lib/journal.js';
import { openDirectory } from '../../lib/run/directory.js';
import { finishedSteps } from '../../lib/run/stages.js';
import { temporaryFolder } from '../data/folders.js';
import { graphBuilder } from '../models/builder.js';

test('finished steps are read back, and one that was changed by hand is refused by name', async () => {
  const folder = await temporaryFolder();
  const directory = await openDirectory(folder);
  const journal = openJournal(join(folder, 'journal.jsonl'));
  const keep = { directory, journal };
  const b = graphBuilder('step');
  const graph = b.build(b.node('Relu', [b.input([3, 4, 4])]));
  await directory.saveGraph('prune-0', graph);
  const member = { tensor: 'w', axis: 0, removed: [1] };
  const plan = { groups: [{ id: 'w', channels: 2, removed: [1], merged: [[1, 0]], members: [member] }], pinned: [] };
  const figures = { accuracy: 0.5, macs: 10, parameters: 4 };
  journal.append('step', { step: 0, plan, ...figures });
  const steps = await finishedSteps(keep, (step) => `prune-${step}`);
  expect(steps).toMatchObject([{ step: 0, plan, ...figures }]);
  expect(steps[0]?.graph.nodes.map(({ op }) => op)).toEqual(['Relu']);

  journal.append('step', { step: 1, plan: { groups: [{ id: 'w' }], pinned: [] }, ...figures });
  await expect(finishedSteps(keep, (step) => `prune-${step}`)).rejects.toThrow(/"step" event of .* is not as expected/);
  journal.close();
});
