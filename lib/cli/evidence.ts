/** Figures of models as rows of a table. */

import type { PruneOutcome } from '../index.js';
import { percent, short } from '../report/figures.js';

export const EVIDENCE_HEADER = ['', 'accuracy', '95 % interval', 'parameters', 'MACs', 'file', 'batch 1', 'batch 32'];

export function evidenceRow(
  name: string,
  { accuracy, parameters, macs, bytes, latencyMs }: PruneOutcome['before'],
): string[] {
  return [
    name,
    accuracy ? percent(accuracy.value) : '–',
    accuracy ? `${percent(accuracy.low)} … ${percent(accuracy.high)}` : '–',
    short(parameters),
    short(macs),
    short(bytes, 'B'),
    latencyMs ? `${latencyMs.batch1.toFixed(2)} ms` : '–',
    latencyMs ? `${latencyMs.batch32.toFixed(1)} ms` : '–',
  ];
}
