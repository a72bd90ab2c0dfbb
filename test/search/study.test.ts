import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openJournal } from '../../lib/journal.js';
import { SAMPLER_NAMES, type SamplerName } from '../../lib/search/propose.js';
import type { Point, Space } from '../../lib/search/space.js';
import { openStudy, type Study, type StudyOptions } from '../../lib/search/study.js';
import { branin, hartmann6, mixed, type TestFunction } from './functions.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tascnet-study-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function runTrials(study: Study, f: TestFunction, upTo: number): Promise<void> {
  while (study.trials.filter(({ value }) => value !== undefined).length < upTo) {
    const trial = await study.ask();
    if (!trial) return;
    study.tell(trial.number, { value: -f.loss(trial.point) });
  }
}

const small: Space = [
  { name: 'layers', kind: 'integer', low: 0, high: 1 },
  { name: 'neurons', kind: 'ordinal', values: [64, 128, 256], when: { dimension: 'layers', in: [1] } },
];

test('no sampler asks for a point twice, and all end when every point was tried', async () => {
  for (const sampler of SAMPLER_NAMES) {
    const study = openStudy({ space: small, sampler, seed: 3, startTrials: 2 });
    const points: Point[] = [];
    for (let trial = await study.ask(); trial; trial = await study.ask()) {
      points.push(trial.point);
      study.tell(trial.number, { value: Number(trial.point.neurons ?? 0) });
    }
    expect(new Set(points.map((point) => JSON.stringify(point)))).toEqual(
      new Set(['{"layers":0}', ...[64, 128, 256].map((neurons) => JSON.stringify({ layers: 1, neurons }))]),
    );
    expect(points).toHaveLength(4);
    expect(study.best()?.point).toEqual({ layers: 1, neurons: 256 });
  }
});

test('the same seed asks for the same points, another seed for others', async () => {
  for (const sampler of SAMPLER_NAMES) {
    const pointsOf = async (seed: number) => {
      const study = openStudy({ space: mixed.space, sampler, seed });
      await runTrials(study, mixed, 9);
      return study.trials.map(({ point }) => point);
    };
    const points = await pointsOf(5);
    expect(await pointsOf(5)).toEqual(points);
    expect(await pointsOf(6)).not.toEqual(points);
  }
});

test('a study cut off after any event goes on as if nothing had happened', async () => {
  const options = { space: mixed.space, sampler: 'gp', seed: 11, startTrials: 3 } as const;
  const whole = join(folder, 'whole.jsonl');
  const journal = openJournal(whole);
  const study = openStudy({ ...options, journal });
  await runTrials(study, mixed, 7);
  journal.close();
  const lines = readFileSync(whole, 'utf8').split('\n').slice(0, -1);
  expect(lines).toHaveLength(1 + 2 * 7);
  for (const kept of [0, 1, 4, 9, 12, 13]) {
    const path = join(folder, `cut-${kept}.jsonl`);
    writeFileSync(path, `${[...lines.slice(0, kept), ''].join('\n')}{"time":"20`);
    const rest = openJournal(path);
    const resumed = openStudy({ ...options, journal: rest });
    await runTrials(resumed, mixed, 7);
    rest.close();
    expect(resumed.trials).toEqual(study.trials);
    const stripped = (text: string) => text.replace(/"time":"[^"]*",/g, '');
    expect(stripped(readFileSync(path, 'utf8'))).toBe(stripped(readFileSync(whole, 'utf8')));
  }
});

test('a journal of another search is refused', () => {
  const journal = openJournal(join(folder, 'journal.jsonl'));
  openStudy({ space: small, sampler: 'gp', seed: 1, journal });
  expect(() => openStudy({ space: small, sampler: 'gp', seed: 2, journal })).toThrow(/other settings/);
  openStudy({ space: small, sampler: 'gp', seed: 2, id: 'another', journal });
  journal.close();
});

test('trials that run at once are different and do not lie near each other', async () => {
  const study = openStudy({ space: branin.space, sampler: 'gp', seed: 2, startTrials: 6 });
  await runTrials(study, branin, 10);
  const together = [await study.ask(), await study.ask(), await study.ask(), await study.ask()];
  const [x, y] = ['x', 'y'].map((name) => together.map((trial) => Number(trial?.point[name])));
  for (let a = 0; a < 4; a++)
    for (let b = 0; b < a; b++)
      expect(Math.hypot((x?.[a] ?? 0) - (x?.[b] ?? 0), (y?.[a] ?? 0) - (y?.[b] ?? 0))).toBeGreaterThan(0.05);
  // Answers in another order than the questions, one of them a failure.
  study.tell(12, { value: -1 });
  study.tell(10, { failed: 'out of memory' });
  expect(study.trials[10]).toMatchObject({ failed: 'out of memory' });
  expect(() => study.tell(10, { value: 1 })).toThrow(/not running/);
  expect((await study.ask())?.number).toBe(14);
});

test('given points come first; a value that is not a number is a failure', async () => {
  const initial = [{ layers: 1, neurons: 128 }, { layers: 0 }];
  const study = openStudy({ space: small, sampler: 'gp', seed: 1, initial });
  expect((await study.ask())?.point).toEqual(initial[0]);
  expect((await study.ask())?.point).toEqual(initial[1]);
  expect(study.tell(0, { value: Number.NaN })).toMatchObject({ failed: 'its value was NaN' });
  expect(study.best()).toBeUndefined();
  expect(() => openStudy({ space: small, sampler: 'gp', seed: 1, initial: [{ layers: 0, neurons: 64 }] })).toThrow(
    /no dimension "neurons"/,
  );
});

test('points that break a ceiling are never the best, and soon are not asked for', async () => {
  // The optimum without the ceiling is at x = 9.42; with it, near -3.14.
  const ceiling = (point: Point) => Number(point.x) - 1;
  const study = openStudy({ space: branin.space, sampler: 'gp', seed: 4 });
  while (study.trials.length < 26) {
    const trial = await study.ask();
    if (!trial) throw new Error('the space is not exhausted');
    study.tell(trial.number, { value: -branin.loss(trial.point), constraints: [ceiling(trial.point)] });
  }
  const best = study.best();
  expect(ceiling(best?.point ?? {})).toBeLessThanOrEqual(0);
  expect(-(best?.value ?? 0) - branin.optimum).toBeLessThan(0.3);
  expect(study.trials.slice(-10).filter(({ point }) => ceiling(point) > 0).length).toBeLessThanOrEqual(2);
  const allowed = openStudy({ space: small, sampler: 'gp', seed: 4, allowed: (point) => point.layers === 0 });
  expect((await allowed.ask())?.point).toEqual({ layers: 0 });
});

/** Made by optuna_regret.py: the regret after 10, 20, … 50 trials for each of 20 seeds. */
const { regret }: { regret: Record<string, Partial<Record<string, number[][]>>> } = JSON.parse(
  readFileSync(new URL('../fixtures/search/optuna-regret.json', import.meta.url), 'utf8'),
);

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

test.each([
  ['branin', branin, 30],
  ['mixed', mixed, 20],
  ['hartmann6', hartmann6, 40],
] as const)('%s: regret is in the range of Optuna’s Gaussian process', async (name, f, trials) => {
  const regrets: number[] = [];
  for (const seed of [0, 1]) {
    const study = openStudy({ space: f.space, sampler: 'gp' satisfies SamplerName, seed } satisfies StudyOptions);
    await runTrials(study, f, trials);
    regrets.push(-(study.best()?.value ?? 0) - f.optimum);
  }
  const theirs = regret[name]?.gp?.map((row) => row[trials / 10 - 1] ?? Number.NaN) ?? [];
  expect(Math.min(...regrets)).toBeLessThan(2 * median(theirs) + 1e-3);
});
