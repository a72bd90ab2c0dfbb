/** `tascnet search` as a person runs it: trials at once, Ctrl-C, kill -9, and on. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'tascnet-search-'));
const data = join(folder, 'digits');

const JOB = [
  ...['search', '--model', 'demo/digits-0-4.onnx', '--data', data, '--augment', 'none', '--epochs', '2', '--quiet'],
  ...['--trials', '4', '--trial-epochs', '1', '--depth', '1', '--jobs', '2', '--seed', '7', '--json'],
  ...['--compare', 'linear'],
];

beforeAll(() => {
  const made = spawnSync(process.execPath, ['scripts/demo/digits.mjs', '--out', data, '--per-digit', '20']);
  if (made.status !== 0) throw new Error(String(made.stderr));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Done {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(args: string[]): { child: ChildProcess; done: Promise<Done> } {
  const child = spawn(process.execPath, ['dist/cli/main.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    texts.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    texts.stderr += chunk;
  });
  return { child, done: new Promise((resolve) => child.on('close', (code) => resolve({ code, ...texts }))) };
}

/** Sends a signal as soon as the journal has a line with `text`. */
async function stopped(args: string[], work: string, text: string, signal: NodeJS.Signals): Promise<Done> {
  const { child, done } = start(args);
  const path = join(work, 'journal.jsonl');
  let over = false;
  void done.then(() => {
    over = true;
  });
  while (!over && !(existsSync(path) && readFileSync(path, 'utf8').includes(text)))
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill(signal);
  return done;
}

function decisions({ stdout }: Done, out: string) {
  const { trials, pareto, best, rivals } = JSON.parse(stdout);
  const plain = (list: Record<string, unknown>[]) => list.map(({ seconds: _, ...trial }) => trial);
  const model = createHash('sha256').update(readFileSync(out)).digest('hex');
  const others = rivals.map(({ name, evidence }: { name: string; evidence: { accuracy: unknown } }) => [
    name,
    evidence.accuracy,
  ]);
  return { trials: plain(trials), pareto: plain(pareto), accuracy: best.accuracy, others, model };
}

test('a search with trials at once, interrupted and killed, ends as one left alone; its report has the rivals', async () => {
  const [whole, cut] = [join(folder, 'whole.onnx'), join(folder, 'cut.onnx')];
  const one = await start([...JOB, '--out', whole]).done;
  expect(one).toMatchObject({ code: 0 });
  const document = JSON.parse(one.stdout);
  expect(Object.keys(document).sort()).toEqual(
    ['baseline', 'best', 'directory', 'imageSize', 'pareto', 'rivals'].concat([
      'seconds',
      'secondsEndToEndEstimate',
      'trials',
      'validation',
    ]),
  );
  expect(document.rivals).toMatchObject([{ name: 'linear', epochs: 2, evidence: { accuracy: { n: 20 } } }]);
  const work = join(folder, 'cut.search');

  const interrupted = await stopped([...JOB, '--out', cut], work, '"trial-told"', 'SIGINT');
  expect(interrupted.code).toBe(130);
  expect(interrupted.stderr).toContain(`tascnet search --resume ${work}`);
  const resume = ['search', '--resume', work, '--quiet', '--json'];
  await stopped(resume, work, '"trial":2,"value"', 'SIGKILL');
  expect(existsSync(cut)).toBe(false);
  const other = await start(resume).done;
  expect(other).toMatchObject({ code: 0 });
  expect(decisions(other, cut)).toEqual(decisions(one, whole));

  expect(readFileSync(join(work, 'report.html'), 'utf8')).toContain('a linear head on frozen features');
  expect(readdirSync(work)).toEqual(expect.arrayContaining(['journal.jsonl', 'labels.txt', 'report.html', 'run.json']));
  const again = await start([...JOB, '--out', cut]).done;
  expect(again).toMatchObject({ code: 1 });
  expect(again.stderr).toContain('already holds a search');
  const wrong = await start(['run', '--resume', work]).done;
  expect(wrong.stderr).toContain(`holds a search, not a run`);
}, 300_000);
