import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'tascnet-resume-'));
const data = join(folder, 'digits');

const JOB = [
  ...['run', '--model', 'demo/digits-0-4.onnx', '--data', data, '--augment', 'none', '--epochs', '8'],
  ...['--trials', '3', '--trial-epochs', '1', '--depth', '1', '--target-macs', '0.5', '--steps', '2', '--cuts', '1'],
  ...['--tolerance', '100', '--seed', '7', '--quiet'],
];

beforeAll(() => {
  const made = spawnSync(process.execPath, ['scripts/demo/digits.mjs', '--out', data, '--per-digit', '40']);
  if (made.status !== 0) throw new Error(String(made.stderr));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(args: string[]): ChildProcess {
  return spawn(process.execPath, ['dist/cli/main.js', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
}

function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr })));
}

interface Event {
  kind: string;
  [field: string]: unknown;
}

function events(out: string): Event[] {
  const path = join(out, 'journal.jsonl');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Event);
}

/** Kills the run without warning as soon as its journal tells of `moment`; false when it ended before. */
async function killedAt(child: ChildProcess, out: string, moment: (event: Event) => boolean): Promise<boolean> {
  const end = ended(child);
  let over = false;
  void end.then(() => {
    over = true;
  });
  while (!over) {
    if (events(out).some(moment)) {
      child.kill('SIGKILL');
      await end;
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return false;
}

/** What was decided and what came of it, without times. */
function decisions(out: string) {
  const record = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'));
  const { baseline, stage1, stage2 } = record.result;
  const rivals = record.rivals.map(({ name, imageSize, evidence }: Record<string, unknown>) => {
    const { accuracy, macs } = evidence as Record<string, unknown>;
    return { name, imageSize, accuracy, macs };
  });
  const figures = [baseline, stage1, stage2].map(({ accuracy, macs, parameters }) => ({ accuracy, macs, parameters }));
  const told = events(out).filter(({ kind }) => kind === 'trial-told');
  const trials = told.map(({ details }) => details as { configuration: unknown; accuracy: unknown });
  const steps = events(out).filter(({ kind }) => kind === 'step');
  const model = createHash('sha256')
    .update(readFileSync(join(out, 'model.onnx')))
    .digest('hex');
  const tried = trials.map(({ configuration, accuracy }) => ({ configuration, accuracy }));
  return { figures, rivals, tried, steps: steps.map(({ step, plan, accuracy }) => ({ step, plan, accuracy })), model };
}

const isEpoch = (part: string) => (event: Event) => event.kind === 'epoch' && event.part === part;
const isPhase = (phase: string) => (event: Event) => event.kind === 'phase' && event.phase === phase;

test('killed in every phase and resumed, a run decides what it would have decided', async () => {
  const whole = join(folder, 'whole');
  const cut = join(folder, 'cut');
  const one = await ended(start([...JOB, '--out', whole]));
  expect(one).toMatchObject({ code: 0 });

  const moments: [string, (event: Event) => boolean][] = [
    ['in the baseline', isEpoch('baseline')],
    ['before the search', isPhase('baseline')],
    ['in the search', ({ kind }) => kind === 'trial-told'],
    ['before the winner is trained', isPhase('search')],
    ['after the winner is trained', isPhase('stage1')],
    ['after a cut', ({ kind }) => kind === 'cut'],
    ['after a step', ({ kind }) => kind === 'step'],
    ['in the last training', isEpoch('prune-1')],
    ['while measuring', isPhase('stage2')],
    ['in the training of a rival', isEpoch('rival-smaller-input')],
    ['while a rival is measured', isPhase('rival-smaller-input')],
  ];
  let args = [...JOB, '--out', cut];
  for (const [when, moment] of moments) {
    expect([when, await killedAt(start(args), cut, moment)]).toEqual([when, true]);
    args = ['run', '--resume', cut, '--quiet'];
  }
  expect(await ended(start(args))).toMatchObject({ code: 0 });
  expect(decisions(cut)).toEqual(decisions(whole));
}, 600_000);
