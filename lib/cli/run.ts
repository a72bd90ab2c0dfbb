import { join } from 'node:path';
import type { Settings } from '../config/resolve.js';
import { ExitCode } from '../errors.js';
import { type RunOutcome, run } from '../index.js';
import { finalOf, HEADER, resultRows, speedSentences, targetSentence } from '../report/figures.js';
import type { Action } from './command.js';
import type { Output } from './output.js';
import { duration } from './progress.js';
import { tellUnheeded } from './resumed.js';
import { showRivals } from './rivals.js';

export const action: Action<Settings<'run'>> = async ({ settings, sources, output, onEvent, signal }) => {
  if (settings.dryRun) {
    const { dryRun } = await import('./prune.js');
    return dryRun({
      settings: { ...settings, finetune: false, teacher: undefined, plan: undefined, targetLatency: undefined },
      output,
      onEvent,
      signal,
    });
  }
  if (settings.resume !== undefined)
    await tellUnheeded(settings.resume || settings.out, { settings, sources, onEvent });
  const outcome = await run(settings, { onEvent, signal });
  if (output.json) output.document(outcome.record);
  else show(outcome, output);
  return outcome.met ? ExitCode.done : ExitCode.targetMissed;
};

function show({ record, directory }: RunOutcome, output: Output): void {
  if (record.result) {
    const final = finalOf(record.result);
    output.table([HEADER, ...resultRows(record.result)]);
    output.line();
    for (const sentence of speedSentences(record.result.baseline, final)) output.line(sentence);
    showRivals(record.result, record.rivals ?? [], output);
  }
  for (const note of record.notes) output.line(note);
  for (const target of record.targets ?? []) if (!target.met) output.line(targetSentence(target));
  output.line(`Model: ${join(directory, 'model.onnx')}`);
  output.line(`Report: ${join(directory, 'report.html')}`);
  output.line(`It took ${duration(record.seconds)}.`);
}
