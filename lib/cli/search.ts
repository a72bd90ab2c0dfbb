import type { Settings } from '../config/resolve.js';
import { ExitCode } from '../errors.js';
import { search } from '../index.js';
import type { Action } from './command.js';
import { EVIDENCE_HEADER, evidenceRow } from './evidence.js';
import { duration } from './progress.js';

export const action: Action<Settings<'search'>> = async ({ settings, output, onEvent, signal }) => {
  const found = await search(settings, { onEvent, signal });
  if (output.json) {
    output.document(found);
    return ExitCode.done;
  }
  const { baseline, best, pareto, trials, seconds } = found;
  output.table([EVIDENCE_HEADER, evidenceRow('fine-tuned original', baseline), evidenceRow(settings.out ?? '', best)]);
  output.line();
  output.line(
    `${trials.length} trials in ${duration(seconds)}; ${pareto.length} of them are beaten by none in both accuracy and cost.`,
  );
  return ExitCode.done;
};
