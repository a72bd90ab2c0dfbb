/**
 * How near the optimisers come to known optima in 50 trials, against Optuna's figures in test/fixtures/search, and how long
 * a proposal takes with 200 observations in 15 dimensions.
 *
 *     node_modules/.bin/tsc -p tsconfig.test.json --noEmit false --outDir build/bench
 *     node build/bench/bench/search/regret.js [--json] [--seeds 20]
 */

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { SamplerName } from '../../lib/search/propose.js';
import { openStudy } from '../../lib/search/study.js';
import { TEST_FUNCTIONS, type TestFunction } from '../../test/search/functions.js';
import type { Row } from '../report.js';
import { quantile } from '../statistics.js';
import { proposals } from './proposal.js';

const TRIALS = 50;
const RIVAL_FIXTURE = 'test/fixtures/search/optuna-regret.json';

async function regretOf(f: TestFunction, sampler: SamplerName, seed: number): Promise<number> {
  const study = openStudy({ space: f.space, sampler, seed });
  for (let trial = await study.ask(); trial; trial = study.trials.length < TRIALS ? await study.ask() : undefined)
    study.tell(trial.number, { value: -f.loss(trial.point) });
  return -(study.best()?.value ?? 0) - f.optimum;
}

const { values } = parseArgs({ options: { json: { type: 'boolean' }, seeds: { type: 'string', default: '20' } } });
const fixture: { optuna: string; regret: Record<string, Record<string, number[][]>> } = JSON.parse(
  readFileSync(RIVAL_FIXTURE, 'utf8'),
);
const rows: Row[] = [];
for (const [name, f] of Object.entries(TEST_FUNCTIONS))
  for (const sampler of ['gp', 'tpe'] as const) {
    const regrets: number[] = [];
    for (let seed = 0; seed < Number(values.seeds); seed++) regrets.push(await regretOf(f, sampler, seed));
    const theirs = fixture.regret[name]?.[sampler]?.map((row) => row.at(-1) ?? Number.NaN);
    const ours = quantile(regrets, 0.5);
    const rival = theirs ? quantile(theirs, 0.5) : null;
    rows.push({
      name: `${name}, ${sampler}: regret after ${TRIALS} trials`,
      ours,
      rival,
      rivalName: `Optuna ${fixture.optuna}`,
      unit: 'regret, median',
      ratio: rival === null ? null : rival / ours,
      low: quantile(regrets, 0.25),
      high: quantile(regrets, 0.75),
      memoryRatio: null,
    });
  }
const { times } = await proposals(10);
rows.push({
  name: 'gp: a proposal with 200 observations in 15 dimensions',
  ours: quantile(times, 0.5),
  rival: null,
  rivalName: 'bar: 200 ms',
  unit: 'ms',
  ratio: null,
  low: quantile(times, 0.25),
  high: quantile(times, 0.75),
  memoryRatio: null,
});
const [cpu] = cpus();
const report = { case: 'search-regret', machine: `${cpu?.model ?? 'unknown'} × ${cpus().length}`, rows };
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else console.table(rows.map(({ name, ours, rival, ratio, low, high }) => ({ name, ours, rival, ratio, low, high })));
