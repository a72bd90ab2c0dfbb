import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { loadEngine } from '../../lib/engine/engine.js';
import type { Graph } from '../../lib/graph/graph.js';
import { openJournal } from '../../lib/journal.js';
import type { TrialRecord } from '../../lib/search/objective.js';
import { type SearchOptions, search } from '../../lib/search/search.js';
import { evaluate } from '../../lib/train/evaluate.js';
import { graphBuilder } from '../models/builder.js';
import { CLASSES, textures } from '../train/problem.js';

const engine = await loadEngine();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tascnet-pool-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function network(): Graph {
  const b = graphBuilder('stripes', { seed: 9 });
  let x = b.relu(b.conv(b.input([1, 8, 8]), 8, { pad: 1, name: 'first' }));
  x = b.relu(b.conv(x, 32, { kernel: 1, name: 'second' }));
  return b.build(b.gemm(b.flatten(b.globalAveragePool(x)), CLASSES, { name: 'fc' }));
}

const data = { train: textures(48, 16, 1), validation: textures(48, 24, 2) };
const optionsOf = (more: Partial<SearchOptions> = {}): SearchOptions => ({
  trials: 5,
  epochs: 2,
  depth: 1,
  seed: 5,
  jobs: 2,
  featureFolder: join(folder, 'features'),
  trialFolder: join(folder, 'trials'),
  training: { learningRate: 0.01, distill: 0.5 },
  ...more,
});

const plain = ({ seconds: _, ...record }: TrialRecord) => record;

/** Processes that this one has started. */
function children(): number[] {
  const { stdout, pid } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === process.pid && child !== pid && child !== undefined ? [child] : []));
}

test('parallel trials: the same with the same seed and jobs, also cut off and resumed; a killed one has failed', async () => {
  const before = new Set(children());
  const path = join(folder, 'journal.jsonl');
  const journal = openJournal(path);
  const whole = await search(engine, network(), data, optionsOf({ journal }));
  journal.close();
  expect(whole.trials.map(({ trial }) => trial)).toEqual([0, 1, 2, 3, 4]);
  const { accuracy } = await evaluate(engine, whole.best.graph, data.validation);
  expect(accuracy).toBeCloseTo(whole.best.accuracy, 10);
  // No more is kept than what may be the result.
  expect(readdirSync(join(folder, 'trials'))).toHaveLength(whole.pareto.length);

  // Cut off in the middle of trials that run at once.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  const cut = lines.findIndex((line) => line.includes('"trial-told"') && line.includes('"trial":1'));
  const cutPath = join(folder, 'cut.jsonl');
  writeFileSync(
    cutPath,
    lines
      .slice(0, cut)
      .map((line) => `${line}\n`)
      .join(''),
  );
  const rest = openJournal(cutPath);
  const resumed = await search(engine, network(), data, optionsOf({ journal: rest }));
  rest.close();
  expect(resumed.trials.map(plain)).toEqual(whole.trials.map(plain));
  expect(resumed.best.trial).toBe(whole.best.trial);

  // The processes die while trials run; the search goes on with others.
  let killed = 0;
  const onTrial = ({ trial }: TrialRecord) => {
    if (trial !== 1) return;
    for (const pid of children().filter((child) => !before.has(child))) {
      process.kill(pid, 'SIGKILL');
      killed++;
    }
  };
  const survived = await search(engine, network(), data, optionsOf({ onTrial, trials: 6 }));
  expect(killed).toBeGreaterThan(0);
  const failed = survived.trials.filter((record) => record.failed !== undefined);
  for (const record of failed) expect(record.failed).toMatch(/its process was killed by SIGKILL/);
  expect(failed.length).toBeGreaterThan(0);
  expect(survived.trials).toHaveLength(6);
  expect(survived.best.accuracy).toBeGreaterThan(0);
  while (children().some((child) => !before.has(child))) await new Promise((resolve) => setTimeout(resolve, 20));
});

test('what fails in a trial of another process is its result; Ctrl-C ends all of them', async () => {
  const hopeless = { learningRate: 1e30, optimizer: { kind: 'sgd' } as const, clipNorm: 1e30 };
  await expect(search(engine, network(), data, optionsOf({ training: hopeless, trials: 2 }))).rejects.toThrow(
    /No trial of the search worked.*loss became/s,
  );
  const stop = new AbortController();
  const journal = openJournal(join(folder, 'journal.jsonl'));
  const interrupted = search(
    engine,
    network(),
    data,
    optionsOf({ signal: stop.signal, journal, onTrial: () => stop.abort() }),
  );
  await expect(interrupted).rejects.toThrow(/Interrupted/);
  const count = (kind: string) => journal.events.filter((event) => event.kind === kind).length;
  expect(count('trial-begun')).toBe(count('trial-told') + count('trial-interrupted'));
  journal.close();
});
