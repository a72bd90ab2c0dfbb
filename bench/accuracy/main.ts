/** `npm run bench -- accuracy [--only TEXT] [--seeds 0,1,2] [--json] [--save]`: minutes for a case and a seed; goes on where it was stopped. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Evidence } from '../../lib/validate/evidence.js';
import { ACCURACY_CASES, type Case, type Step } from './cases.js';
import { saveLenet, writeDigits } from './digits.js';

const FOLDER = 'runs/bench-accuracy';
const SHARED = resolve('../shared/data');
const DIGITS = join(FOLDER, 'digits');
const RESULTS = 'bench/results/accuracy.json';

interface Row {
  name: string;
  date: string;
  seeds: readonly number[];
  bar: string;
  /** Test accuracies of the first step's models and of the last one's, by seed. */
  before: number[];
  after: number[];
  /** Half the width of the 95 % interval of one accuracy (Wilson). */
  interval: number;
  /** What is left of the whole, the mean over the seeds. */
  macs: number;
  parameters: number;
}

function modelOf(name: string, seed: number): string {
  return join(FOLDER, `${name}-seed-${seed}.onnx`);
}

/** The evidence of a step, done unless it was done before. */
function evidenceOf(step: Step, data: Case['data'], seed: number): Evidence {
  const out = modelOf(step.name, seed);
  const record = out.replace(/onnx$/, 'json');
  if (!existsSync(record)) {
    const model = 'file' in step.from ? join(SHARED, 'models', step.from.file) : modelOf(step.from.step, seed);
    const from = ['--data', data === 'digits' ? DIGITS : join(SHARED, data), '--model', model];
    const [command = '', ...asked] = step.args;
    const options = step.teacher === undefined ? asked : [...asked, '--teacher', modelOf(step.teacher, seed)];
    const args = ['dist/cli/main.js', command, ...from, '--out', out, '--seed', String(seed), '--json', ...options];
    const { status, stdout } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 2 ** 28,
    });
    if (status !== 0 && status !== 3) throw new Error(`tascnet ${args.slice(1).join(' ')} ended with ${status}`);
    writeFileSync(`${record}.part`, stdout);
    renameSync(`${record}.part`, record);
  }
  const document = JSON.parse(readFileSync(record, 'utf8')) as Evidence | { after: Evidence };
  return 'after' in document ? document.after : document;
}

async function measure(one: Case, seeds: readonly number[]): Promise<Row> {
  const date = new Date().toISOString().slice(0, 10);
  const { name, bar } = one;
  const row: Row = { name, date, seeds, bar, before: [], after: [], interval: 0, macs: 0, parameters: 0 };
  for (const seed of seeds) {
    if (one.data === 'digits') {
      writeDigits(DIGITS);
      await saveLenet(modelOf('lenet-untrained', seed), seed);
    }
    console.error(`${one.name}, seed ${seed}`);
    const evidence = one.steps.map((step) => evidenceOf(step, one.data, seed));
    const [first, last] = [evidence[0], evidence.at(-1)];
    if (!first?.accuracy || !last?.accuracy) throw new Error(`${one.name}: no accuracy was measured.`);
    row.before.push(first.accuracy.value);
    row.after.push(last.accuracy.value);
    row.interval = (last.accuracy.high - last.accuracy.low) / 2;
    row.macs += last.macs / first.macs / seeds.length;
    row.parameters += last.parameters / first.parameters / seeds.length;
  }
  return row;
}

/** Of the cases that were measured before: each takes long, and they need not be measured together. */
function stored(): Row[] {
  return existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as { rows: Row[] }).rows : [];
}

/** The case of that name, or those that have it in theirs; all where there is none. */
function casesNamed(text = ''): readonly Case[] {
  const exact = ACCURACY_CASES.filter(({ name }) => name === text);
  return exact.length > 0 ? exact : ACCURACY_CASES.filter(({ name }) => name.includes(text));
}

function spread(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return `${(100 * mean).toFixed(1)} ± ${(100 * Math.sqrt(variance)).toFixed(1)} %`;
}

function cells(row: Row): string[] {
  const left = (share: number) => `${(100 * share).toFixed(1)} %`;
  return [row.name, spread(row.before), spread(row.after), left(row.macs), left(row.parameters), row.bar];
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seeds: { type: 'string', default: '0,1,2' },
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});
const seeds = values.seeds.split(',').map(Number);
const rows: Row[] = [];
mkdirSync(FOLDER, { recursive: true });
for (const one of casesNamed(values.only)) {
  if (one.data !== 'digits' && !existsSync(join(SHARED, one.data))) {
    console.error(`${one.name}: not measured, the images are not beside the project.`);
    continue;
  }
  rows.push(await measure(one, seeds));
}
if (values.json) process.stdout.write(`${JSON.stringify({ case: 'accuracy', rows })}\n`);
else {
  const lines = [['', 'before', 'after', 'MACs', 'parameters', 'bar'], ...rows.map(cells)];
  const widths = lines[0]?.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0))) ?? [];
  for (const line of lines)
    process.stdout.write(
      `${line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
}
if (values.save) {
  const others = stored().filter(({ name }) => !rows.some((row) => row.name === name));
  mkdirSync('bench/results', { recursive: true });
  const report = { case: 'accuracy', rows: [...others, ...rows] };
  writeFileSync(`${RESULTS}.tmp`, `${JSON.stringify(report, null, 2)}\n`);
  renameSync(`${RESULTS}.tmp`, RESULTS);
}
