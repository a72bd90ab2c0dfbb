/** The trials of a search as a person reads them. */

import { percent, short } from '../report/figures.js';
import { differencesFrom } from '../search/differences.js';
import type { SearchHistory } from '../search/history.js';
import type { TrialRecord } from '../search/objective.js';
import { shortNames } from '../search/short-names.js';
import type { Output } from './output.js';

/** Choices that matter less than this are left out of the table. */
const LEAST = 0.005;

export function showHistory({ trials, chosen, pareto, importance }: SearchHistory, output: Output): void {
  const failed = trials.filter((trial) => trial.failed !== undefined);
  const stopped = trials.filter((trial) => trial.stopped).length;
  const depth = Math.max(0, ...trials.map((trial) => trial.depth));
  output.line(
    `${trials.length} trials down to depth ${depth}; ${failed.length} failed, ${stopped} were stopped early. Accuracies are those on the validation samples.`,
  );
  output.line();
  const differences = differencesFrom(trials);
  output.table([
    ['trial', 'depth', 'accuracy', 'loss', 'MACs', 'parameters', 'seconds', '', 'configuration'],
    ...trials.map((trial) => [
      ...figures(trial),
      trial.seconds.toFixed(1),
      mark(trial, chosen),
      trial.failed ?? differences(trial),
    ]),
  ]);
  output.line();
  output.line(output.paint('bold', 'Not beaten in both accuracy and MACs'));
  output.table([
    ['trial', 'depth', 'accuracy', 'loss', 'MACs', 'parameters', 'configuration'],
    ...pareto.map((trial) => [...figures(trial), differences(trial)]),
  ]);
  showImportance(importance, output);
}

function showImportance(importance: SearchHistory['importance'], output: Output): void {
  output.line();
  const rows = importance.filter(({ accuracy, macs }) => Math.max(accuracy, macs) >= LEAST);
  if (rows.length === 0) {
    output.line('There are too few trials, or too few differences, to tell what matters.');
    return;
  }
  const shorter = shortNames(importance.map(({ choice }) => choice));
  output.line(output.paint('bold', 'What matters: the share of the differences that a choice explains by itself'));
  output.table([
    ['choice', 'of accuracy', 'of MACs'],
    ...rows.map(({ choice, accuracy, macs }) => [shorter.get(choice) ?? choice, percent(accuracy), percent(macs)]),
  ]);
}

function figures({ trial, depth, accuracy, loss, macs, parameters }: TrialRecord): string[] {
  const measured = [accuracy === undefined ? '–' : percent(accuracy), loss === undefined ? '–' : loss.toFixed(3)];
  // Trials are numbered from 1 where people read them, as in the report.
  return [String(trial + 1), String(depth), ...measured, short(macs), short(parameters)];
}

function mark(trial: TrialRecord, chosen: TrialRecord | undefined): string {
  if (trial === chosen) return 'chosen';
  if (trial.failed !== undefined) return 'failed';
  return trial.stopped ? 'stopped' : '';
}
