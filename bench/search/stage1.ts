/**
 * `npm run bench -- stage1 [--only accuracy,cost,memory,proposal] [--seeds 0,1,2] [--json] [--save]`: what stage 1 gives and
 * costs on the images and networks of ../shared/data. Accuracies go on where they were stopped.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { processorName } from '../processor.js';
import { accuracy } from './accuracy.js';
import { cost } from './cost.js';
import { memory } from './memory.js';
import { OBSERVATIONS, proposals } from './proposal.js';

/** A figure and what it is measured by. */
export interface Bar {
  name: string;
  /** What is hoped for, as a person reads it. */
  bar: string;
  ours: number;
  rival: number | null;
  rivalName: string;
  unit: string;
  /** Above 1 where tascnet is better. */
  ratio: number | null;
  met: boolean;
}

async function proposal(): Promise<Bar[]> {
  const { times, delay } = await proposals(20);
  const median = times.toSorted((a, b) => a - b)[times.length / 2] ?? Number.NaN;
  const row = (name: string, bar: number, value: number): Bar => ({
    ...{ name, bar: `< ${bar} ms`, ours: value, rival: null, rivalName: 'none', unit: 'ms', ratio: bar / value },
    met: value < bar,
  });
  return [
    row(`a proposal with ${OBSERVATIONS} observations in 15 dimensions, median`, 200, median),
    row('the event loop meanwhile, longest delay', 200, delay),
  ];
}

/** What was measured of one part on one day: each takes minutes, and they need not be measured together. */
type Row = Bar & { part: string; date: string };

function stored(): Row[] {
  if (!existsSync('bench/results/stage1.json')) return [];
  return (JSON.parse(readFileSync('bench/results/stage1.json', 'utf8')) as { rows: Row[] }).rows;
}

const PARTS = { accuracy, cost, memory, proposal };

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
    seeds: { type: 'string', default: '0,1,2' },
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'tascnet-stage1-'));
const date = new Date().toISOString().slice(0, 10);
const rows: Row[] = [];
try {
  for (const [name, part] of Object.entries(PARTS))
    if (values.only.split(',').includes(name))
      for (const bar of await part({ folder, seeds: values.seeds.split(',').map(Number) }))
        rows.push({ part: name, date, ...bar });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const machine = {
  processor: processorName(),
  cores: availableParallelism(),
  node: process.version,
  loadAverage: loadavg()[0] ?? 0,
};
const report = { case: 'stage1', machine, rows };
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else console.table(rows);
if (values.save) {
  mkdirSync('bench/results', { recursive: true });
  const others = stored().filter(({ part }) => !rows.some((row) => row.part === part));
  const whole = { ...report, rows: [...others, ...rows] };
  writeFileSync('bench/results/stage1.json.tmp', `${JSON.stringify(whole, null, 2)}\n`);
  renameSync('bench/results/stage1.json.tmp', 'bench/results/stage1.json');
}
// Engines keep the process.
process.exit(0);
