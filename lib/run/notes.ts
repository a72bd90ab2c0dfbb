/** What a person should know of a pruning that went less far than it was asked to. */

import type { Pruned } from '../prune/iterate.js';
import { percent, short } from '../report/figures.js';

/**
 * The steps that were taken back, since accuracy fell too far, in words; empty when none was.
 * @param tolerance points (percent) of validation accuracy that might be lost.
 */
export function pruningNotes({ baseline, steps }: Pick<Pruned, 'baseline' | 'steps'>, tolerance: number): string[] {
  // As pruning itself decides: 0.8 − 0.1 is a little more than 0.7.
  const kept = steps.findLast(({ accuracy }) => accuracy >= baseline - tolerance / 100 - 1e-9);
  const dropped = steps.slice(kept === undefined ? 0 : kept.step + 1);
  const [first] = dropped;
  if (!first) return [];
  const reached = dropped.reduce((best, step) => (step.accuracy > best.accuracy ? step : best), first);
  const which = dropped.length === 1 ? `Pruning step ${first.step + 1}` : `Pruning steps ${first.step + 1} and later`;
  const most = dropped.length === 1 ? '' : ' at most';
  const points = tolerance === 1 ? '1 point' : `${tolerance} points`;
  const result = kept === undefined ? 'the network before pruning' : `that of step ${kept.step + 1}`;
  return [
    `${which} reached${most} ${percent(reached.accuracy)} on the validation samples (${short(reached.macs)} MACs), more than ${points} under the ${percent(baseline)} before pruning: the result is ${result}. More --epochs or a larger --tolerance let it go further.`,
  ];
}
