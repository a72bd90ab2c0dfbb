/** What `tascnet search` would look at, and what it found, as a person asks for it. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { DIGITS, tascnet } from '../cli/tascnet.js';
import { classImages, folderOf, temporaryFolder } from '../data/folders.js';

test('--dry-run prints the space, restricted by a file of rules, and writes nothing', async () => {
  const folder = await temporaryFolder();
  const rules = join(folder, 'rules.json');
  writeFileSync(
    rules,
    JSON.stringify([
      { choices: 'width', low: 0.25, high: 1, log: true },
      { choices: 'activation', search: false },
    ]),
  );
  const args = ['search', '--model', DIGITS, '--dry-run', '--depth', '2'];
  const text = await tascnet([...args, '--space', rules], { cwd: folder });
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout).toMatch(/^Depth 1: .*\nFrozen up to "/);
  expect(text.stdout).toMatch(/:width +0\.25 … 1 \(any number\), logarithmic/);
  expect(text.stdout).not.toMatch(/activation/);
  const json = await tascnet([...args, '--json'], { cwd: folder });
  const { depths, classes } = JSON.parse(json.stdout);
  expect(classes).toBe(5);
  expect(depths).toHaveLength(2);
  expect(depths[1].space.map(({ name }: { name: string }) => name)).toContain('network:truncate');
  expect(depths[1].unit.layers.length).toBeGreaterThan(0);
});

test('rules come from the configuration file too; what is wrong in them is said', async () => {
  const folder = await temporaryFolder();
  const config = join(folder, 'tascnet.config.json');
  writeFileSync(config, JSON.stringify({ space: [{ layers: 'network', search: false }] }));
  const args = ['search', '--model', DIGITS, '--dry-run'];
  const ok = await tascnet([...args, '--json'], { cwd: folder });
  expect(JSON.parse(ok.stdout).depths[0].space.map(({ name }: { name: string }) => name)).not.toContain(
    'network:truncate',
  );
  writeFileSync(config, JSON.stringify({ space: [{ layers: 'netwrk', search: false }] }));
  const wrong = await tascnet(args, { cwd: folder });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(/Rule 1 of the search space is about "netwrk".*\n.*Did you mean "network"\?/);
  writeFileSync(config, JSON.stringify({ space: [{ layer: 'network' }] }));
  expect((await tascnet(args, { cwd: folder })).stderr).toMatch(/Expected the name of a JSON file of rules/);
  const missing = await tascnet([...args, '--space', 'none.json'], { cwd: folder });
  expect(missing.code).toBe(2);
  expect(missing.stderr).toMatch(/The rules of the search space in none\.json cannot be read/);
  const sizes = await tascnet([...args, '--search-image-size', '20,7'], { cwd: await temporaryFolder() });
  expect(sizes.stderr).toMatch(/Expected whole numbers from 8 to 4096/);
});

test('a search over image sizes leaves a model that runs; --show tells what it found', async () => {
  const folder = await temporaryFolder();
  const photos = await folderOf(classImages({ blue: 12, green: 12 }));
  const out = join(folder, 'found.onnx');
  const done = await tascnet([
    ...['search', '--model', DIGITS, '--data', photos, '--out', out, '--quiet', '--json'],
    ...['--epochs', '2', '--trials', '5', '--trial-epochs', '1', '--depth', '1', '--augment', 'none'],
    ...['--search-image-size', '16,20', '--seed', '1'],
  ]);
  expect(done).toMatchObject({ code: 0 });
  const { imageSize, trials, best } = JSON.parse(done.stdout);
  expect(best.accuracy.value).toBeGreaterThanOrEqual(0);
  const sizes = trials.map(
    ({ configuration }: { configuration: Record<string, number> }) => configuration['network:image-size'],
  );
  expect(new Set(sizes).size).toBeGreaterThan(1);
  expect(sizes).toContain(imageSize);
  const valid = await tascnet(['validate', out, '--data', photos, '--json']);
  expect(valid).toMatchObject({ code: 0 });
  const facts = JSON.parse((await tascnet(['inspect', out, '--json'])).stdout);
  expect(facts.inputs[0].shape.slice(2)).toEqual([imageSize, imageSize]);

  for (const place of [out, join(folder, 'found.search'), join(folder, 'found.search', 'journal.jsonl')]) {
    const shown = await tascnet(['search', '--show', place]);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^5 trials down to depth 1; 0 failed/);
    expect(shown.stdout).toMatch(/chosen/);
    expect(shown.stdout).toMatch(/Not beaten in both accuracy and MACs/);
    expect(shown.stdout).toMatch(/network:image-size/);
  }
  const history = JSON.parse((await tascnet(['search', '--show', out, '--json'])).stdout);
  expect(history.trials).toEqual(trials);
  expect(history.chosen.configuration['network:image-size']).toBe(imageSize);
  expect(history.importance.reduce((sum: number, one: { macs: number }) => sum + one.macs, 0)).toBeCloseTo(1, 6);
  expect(history.pareto.length).toBeGreaterThan(0);
  const nothing = await tascnet(['search', '--show', folder]);
  expect(nothing).toMatchObject({ code: 1 });
  expect(nothing.stderr).toMatch(/holds no search: there is no .*journal\.jsonl/);
}, 300_000);
