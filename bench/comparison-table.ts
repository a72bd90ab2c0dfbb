/** A comparison with older reports as a person reads it. */

import type { Change, Identity, ReportComparison, State } from './comparison.js';
import { columns, figure, megabytes, range } from './text.js';

/** What is better and worse about a value in this unit; of most it is speed. */
function wordsFor(unit: string): readonly [better: string, worse: string] {
  return unit === 'MB' ? ['less', 'more'] : ['faster', 'slower'];
}

function changeCell({ ratio, unit }: Change): string {
  if (ratio === null) return 'unknown';
  const [better, worse] = wordsFor(unit);
  const times = figure(Math.max(ratio, 1 / ratio));
  return times === '1' ? 'as before' : `${times}× ${ratio > 1 ? better : worse}`;
}

function intervalsCell({ overlap }: Change): string {
  if (overlap === null) return 'unknown';
  return overlap ? 'overlap' : 'apart';
}

function stateCell({ value, interval }: State, unit: string): string {
  return `${figure(value)} ${unit}${interval ? ` ${range(interval)}` : ''}`;
}

function memoryCell({ before, now }: Change): string {
  if (before.peakBytes === null || now.peakBytes === null) return '';
  return `${megabytes(before.peakBytes)} → ${megabytes(now.peakBytes)} MB`;
}

const HEADER = ['', 'rival', 'before', 'now', 'change', 'intervals', 'peak memory'];

/** @param processor of now */
export function comparisonTable(
  { against, otherProcessors, changes, onlyBefore, onlyNow }: ReportComparison,
  processor: string,
): string {
  const rows = changes.map((change) => [
    ...[change.name, change.rivalName, stateCell(change.before, change.unit), stateCell(change.now, change.unit)],
    ...[changeCell(change), intervalsCell(change), memoryCell(change)],
  ]);
  const named = ({ name, rivalName, unit }: Identity) => `${name} (${unit}; rival: ${rivalName})`;
  return [
    `against ${against}:`,
    ...otherProcessors.map((other) => `The machines differ: before it was ${other}, now it is ${processor}.`),
    ...(rows.length > 0 ? columns([HEADER, ...rows]) : []),
    ...onlyBefore.map((row) => `only before: ${named(row)}`),
    ...onlyNow.map((row) => `only now: ${named(row)}`),
  ].join('\n');
}
