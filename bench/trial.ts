/** The process of one trial: `node trial.js CASE INDEX ours|rival` prints a `Measured`. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Comparison, Measured } from './case.js';
import { garbageCollector } from './garbage.js';

const PEAK = resolve('bench/peak.cjs');
const { peakBytes } = createRequire(import.meta.url)(PEAK) as { peakBytes: () => number };

/** Forgets the peak so far, where the system can. */
function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Elsewhere the peak is that of the whole process.
  }
}

const [name, index, side] = process.argv.slice(2);
const { comparisons } = (await import(`./${name}.js`)) as { comparisons: readonly Comparison[] };
const comparison = comparisons[Number(index)];
if (!comparison) throw new Error(`There is no comparison ${index} in ${name}.`);
const { ours, rival } = comparison;
const prepare = side === 'ours' ? ours : 'run' in rival ? rival.run : undefined;
if (!prepare) throw new Error(`The rival of ${comparison.name} is another program.`);
const folder = mkdtempSync(join(tmpdir(), 'tascnet-trial-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const run = await prepare();

// Where programs are measured, their memory counts, not that of this process.
const peaks = join(folder, 'peaks');
writeFileSync(peaks, '');
process.env.BENCH_PEAKS = peaks;
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --require=${JSON.stringify(PEAK)}`.trim();
// Nor is what the preparation left behind collected at the cost of what is measured.
garbageCollector()();
resetPeak();
const value = await run();
const own = peakBytes();
const ofPrograms = readFileSync(peaks, 'utf8').split('\n').filter(Boolean).map(Number);
const measured: Measured = { value, peakBytes: ofPrograms.length > 0 ? Math.max(...ofPrograms) : own };
process.stdout.write(`\n${JSON.stringify(measured)}\n`, () => process.exit(0));
