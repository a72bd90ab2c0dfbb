/** `npm run bench -- CASE… [--json] [--trials N] [--only TEXT] [--save] [--compare old.json]` */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { addonInfo } from '../lib/native.js';
import { type Comparison, type Measured, quantile, type Row } from './case.js';
import { CASES } from './cases.js';
import { processorName } from './processor.js';
import { type Report, table } from './table.js';

const TRIAL = fileURLToPath(new URL('trial.js', import.meta.url));

function measure([command = '', ...args]: readonly string[]): Measured | { failure: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) {
    const lines = stderr.trim().split('\n');
    // Node's last line is its version.
    const reason = lines.findLast((line) => /Error|^tascnet:/.test(line)) ?? lines.at(-1);
    return { failure: error?.message ?? (reason || `exit code ${status}`) };
  }
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Measured;
}

/** The quartiles of the paired ratios are the interval: few trials permit no wider claim. */
function compare(name: string, index: number, comparison: Comparison, trials: number): Row {
  const program = 'program' in comparison.rival ? comparison.rival.program() : undefined;
  const own = (side: string) => [process.execPath, TRIAL, name, String(index), side];
  const ours: Measured[] = [];
  const rivals: Measured[] = [];
  let rivalCommand = program === undefined ? own('rival') : program;
  for (let trial = 0; trial < trials; trial++) {
    const mine = measure(own('ours'));
    if ('failure' in mine) throw new Error(`${comparison.name}: ${mine.failure}`);
    ours.push(mine);
    if (rivalCommand === null) continue;
    const theirs = measure(rivalCommand);
    if ('failure' in theirs) {
      console.error(`${comparison.rivalName} could not be measured: ${theirs.failure}`);
      rivalCommand = null;
    } else rivals.push(theirs);
  }
  const middle = (side: readonly Measured[]) =>
    quantile(
      side.map(({ value }) => value),
      0.5,
    );
  const row = { name: comparison.name, ours: middle(ours), rivalName: comparison.rivalName, unit: comparison.unit };
  if (rivalCommand === null || rivals.length === 0)
    return { ...row, rival: null, ratio: null, low: null, high: null, memoryRatio: null };
  const ratios = rivals.map(({ value }, trial) => {
    const mine = ours[trial]?.value ?? Number.NaN;
    return comparison.better === 'lower' ? value / mine : mine / value;
  });
  const peak = (side: readonly Measured[]) => Math.max(...side.map(({ peakBytes }) => peakBytes ?? 0));
  return {
    ...row,
    rival: middle(rivals),
    ratio: quantile(ratios, 0.5),
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
    memoryRatio: peak(rivals) > 0 && peak(ours) > 0 ? peak(rivals) / peak(ours) : null,
  };
}

function machine(): Report['machine'] {
  const { simd, threads } = addonInfo();
  return {
    processor: processorName(),
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: process.platform,
    node: process.version,
    simd,
    threads,
    loadAverage: loadavg()[0] ?? 0,
  };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    trials: { type: 'string', default: '3' },
    only: { type: 'string' },
    compare: { type: 'string' },
  },
});
const unknown = positionals.filter((name) => !CASES.includes(name));
const trials = Number(values.trials);
if (unknown.length > 0 || !Number.isInteger(trials) || trials < 1) {
  console.error(
    `Expected one of ${CASES.join(', ')} and --trials of 1 or more, but got ${process.argv.slice(2).join(' ')}`,
  );
  process.exit(2);
}
const old = values.compare ? (JSON.parse(readFileSync(values.compare, 'utf8')) as Report) : undefined;
for (const name of positionals.length > 0 ? positionals : CASES) {
  const { comparisons } = (await import(`./${name}.js`)) as { comparisons: readonly Comparison[] };
  const report: Report = {
    case: name,
    date: new Date().toISOString().slice(0, 10),
    trials,
    machine: machine(),
    rows: [],
  };
  for (const [index, comparison] of comparisons.entries()) {
    if (values.only && !comparison.name.includes(values.only)) continue;
    console.error(`${name}: ${comparison.name}`);
    report.rows.push(compare(name, index, comparison, trials));
  }
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(`${table(report, old)}\n`);
  if (!values.save) continue;
  mkdirSync('bench/results', { recursive: true });
  const file = `bench/results/${name}.json`;
  writeFileSync(`${file}.tmp`, `${JSON.stringify(report, null, 2)}\n`);
  renameSync(`${file}.tmp`, file);
}
