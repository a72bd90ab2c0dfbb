/** `npm run bench -- CASE… [--json] [--trials N] [--only TEXT] [--save] [--compare FILE|FOLDER]` */

import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { ExitCode, TascnetError } from '../lib/errors.js';
import { addonInfo } from '../lib/native.js';
import type { Comparison } from './case.js';
import { CASES } from './cases.js';
import { compareReports } from './comparison.js';
import { comparisonTable } from './comparison-table.js';
import { measure } from './measure.js';
import { type OldReports, readReports } from './old-reports.js';
import { processorName } from './processor.js';
import type { Report } from './report.js';
import { rowOf } from './row.js';
import { table } from './table.js';

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

/** Ends the program where what it names is missing or damaged. */
function oldReports(path: string): OldReports {
  try {
    return readReports(path, CASES);
  } catch (error) {
    if (!(error instanceof TascnetError)) throw error;
    console.error(error.message);
    process.exit(error.exitCode);
  }
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
  process.exit(ExitCode.usage);
}
const { compare: against, only } = values;
const asked = ({ name }: { name: string }) => only === undefined || name.includes(only);
const old = against === undefined ? undefined : oldReports(against);
if (old && old.otherCases.length > 0)
  console.error(`${against} holds ${old.otherCases.join(', ')} too, which cannot be compared.`);
const names = old ? CASES.filter((name) => old.reports.some((report) => report.case === name)) : CASES;
for (const name of positionals.length > 0 ? positionals : names) {
  const { comparisons } = (await import(`./${name}.js`)) as { comparisons: readonly Comparison[] };
  const report: Report = {
    case: name,
    date: new Date().toISOString().slice(0, 10),
    trials,
    machine: machine(),
    rows: [],
  };
  for (const [index, comparison] of comparisons.entries()) {
    if (!asked(comparison)) continue;
    console.error(`${name}: ${comparison.name}`);
    const { ours, rivals } = measure(name, index, comparison, trials);
    report.rows.push(rowOf(comparison, ours, rivals));
  }
  const before = old?.reports
    .filter((one) => one.case === name)
    .map((one) => ({ ...one, rows: one.rows.filter(asked) }));
  const comparison = before && compareReports(report, before, against ?? '');
  if (values.json) process.stdout.write(`${JSON.stringify({ ...report, comparison })}\n`);
  else process.stdout.write(`${table(report, process.stdout.columns)}\n`);
  if (comparison && !values.json) process.stdout.write(`${comparisonTable(comparison, report.machine.processor)}\n`);
  if (!values.save) continue;
  mkdirSync('bench/results', { recursive: true });
  const file = `bench/results/${name}.json`;
  writeFileSync(`${file}.tmp`, `${JSON.stringify(report, null, 2)}\n`);
  renameSync(`${file}.tmp`, file);
}
