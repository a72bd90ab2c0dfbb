/** The process of one trial: `node trial.js CASE INDEX ours|rival` prints a `Measured`. */

import { readFileSync, writeFileSync } from 'node:fs';
import type { Comparison, Measured } from './case.js';

/** Forgets the peak so far, where the system can. */
function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Elsewhere the peak is that of the whole process.
  }
}

function peakBytes(): number {
  try {
    const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    if (found) return Number(found[1]) * 1024;
  } catch {
    // There is no such file outside Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

const [name, index, side] = process.argv.slice(2);
const { comparisons } = (await import(`./${name}.js`)) as { comparisons: readonly Comparison[] };
const comparison = comparisons[Number(index)];
if (!comparison) throw new Error(`There is no comparison ${index} in ${name}.`);
const { ours, rival } = comparison;
const prepare = side === 'ours' ? ours : 'run' in rival ? rival.run : undefined;
if (!prepare) throw new Error(`The rival of ${comparison.name} is another program.`);
const run = await prepare();
resetPeak();
const value = await run();
const measured: Measured = { value, peakBytes: peakBytes() };
process.stdout.write(`\n${JSON.stringify(measured)}\n`, () => process.exit(0));
