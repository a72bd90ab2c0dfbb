// Writes what is made of the table of options: the schema of the configuration file, and the README's list.
//
//   npm run options [-- --check]
//
// --check   write nothing; exit code 1 where a file is not up to date
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { putWhole } from './whole-file.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { OPTIONS, optionName } = await import('../dist/config/options.js');
const { configFileSchema } = await import('../dist/config/file.js');
const check = process.argv.includes('--check');

const cell = (text) => String(text).replaceAll('|', '\\|');

function fallbackOf({ kind, fallback, defaultText }) {
  if (defaultText !== undefined) return defaultText;
  if (fallback === undefined || (Array.isArray(fallback) && fallback.length === 0)) return '';
  if (kind === 'flag') return fallback ? 'on' : '';
  return String(fallback);
}

function row(key, option) {
  const name = option.kind === 'flag' && option.fallback === true ? `no-${optionName(key)}` : optionName(key);
  const value = option.kind === 'flag' ? '' : ` ${option.choices ? option.choices.join('\\|') : option.placeholder}`;
  return `| \`--${name}${value}\` | ${cell(option.describe)} | ${cell(fallbackOf(option))} | ${option.commands.join(', ')} |`;
}

const entriesOf = (group) => Object.entries(OPTIONS).filter(([, option]) => option.group === group);
const list = [...new Set(Object.values(OPTIONS).map(({ group }) => group))]
  .map((group) => {
    const entries = entriesOf(group);
    const head = [`**${group}**`, '', '| option | | default | commands |', '| --- | --- | --- | --- |'];
    return [...head, ...entries.map(([key, option]) => row(key, option))].join('\n');
  })
  .join('\n\n');

const readme = readFileSync('README.md', 'utf8');
const marked = /<!-- options -->[\s\S]*<!-- \/options -->/;
if (!marked.test(readme)) throw new Error('README.md lacks the markers <!-- options --> and <!-- /options -->.');
const written = readme.replace(marked, () => `<!-- options -->\n${list}\n<!-- /options -->`);
const SCHEMA = 'tascnet.config.schema.json';
const schema = configFileSchema();

if (check) {
  const isCurrent = JSON.stringify(JSON.parse(readFileSync(SCHEMA, 'utf8'))) === JSON.stringify(schema);
  const stale = [...(written === readme ? [] : ['README.md']), ...(isCurrent ? [] : [SCHEMA])];
  for (const file of stale) console.error(`${file} is not up to date: npm run build:ts && npm run options`);
  process.exit(stale.length === 0 ? 0 : 1);
}
for (const [file, text] of [
  ['README.md', written],
  [SCHEMA, `${JSON.stringify(schema, null, 2)}\n`],
])
  putWhole(file, text);
spawnSync('node_modules/.bin/biome', ['format', '--write', SCHEMA], { stdio: ['ignore', 'ignore', 'inherit'] });
