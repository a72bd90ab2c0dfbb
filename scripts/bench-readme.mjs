// Writes the README's section on performance from bench/results: `node scripts/bench-readme.mjs`, after a build of the benchmarks.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { putWhole } from './whole-file.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { CASES } = await import('../build/bench/bench/cases.js');
const { markdown } = await import('../build/bench/bench/table.js');

const reports = CASES.map((name) => `bench/results/${name}.json`)
  .filter((file) => existsSync(file))
  .map((file) => JSON.parse(readFileSync(file, 'utf8')));
const readme = readFileSync('README.md', 'utf8');
const marked = /<!-- bench -->[\s\S]*<!-- \/bench -->/;
if (!marked.test(readme)) throw new Error('README.md lacks the markers <!-- bench --> and <!-- /bench -->.');
const section = `<!-- bench -->\n${markdown(reports)}\n<!-- /bench -->`;
putWhole(
  'README.md',
  readme.replace(marked, () => section),
);
