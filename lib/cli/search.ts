import { join } from 'node:path';
import type { Settings } from '../config/resolve.js';
import { ExitCode } from '../errors.js';
import { search, searchHistory, searchSpace } from '../index.js';
import type { Action } from './command.js';
import { EVIDENCE_HEADER, evidenceRow } from './evidence.js';
import { duration } from './progress.js';
import { tellUnheeded } from './resumed.js';
import { showRivals } from './rivals.js';
import { showHistory } from './search-history.js';
import { showSpace } from './search-space.js';

export const action: Action<Settings<'search'>> = async ({ settings, sources, output, onEvent, signal }) => {
  if (settings.show !== undefined) {
    const history = await searchHistory(settings.show);
    if (output.json) output.document(history);
    else showHistory(history, output);
    return ExitCode.done;
  }
  if (settings.dryRun) {
    const space = await searchSpace(settings, { onEvent, signal });
    if (output.json) output.document(space);
    else showSpace(space, output);
    return ExitCode.done;
  }
  if (settings.resume !== undefined) {
    const { searchFolder } = await import('../run/search-run.js');
    const folder = settings.resume || (settings.out && searchFolder(settings.out));
    await tellUnheeded(folder, { settings, sources, onEvent });
  }
  const found = await search(settings, { onEvent, signal });
  if (output.json) {
    output.document(found);
    return ExitCode.done;
  }
  const { baseline, best, pareto, trials, seconds, rivals, imageSize, directory } = found;
  output.table([EVIDENCE_HEADER, evidenceRow('fine-tuned original', baseline), evidenceRow(settings.out ?? '', best)]);
  output.line();
  output.line(
    `${trials.length} trials in ${duration(seconds)}; ${pareto.length} of them ${pareto.length === 1 ? 'is' : 'are'} beaten by none in both accuracy and cost.`,
  );
  if (settings.searchImageSize !== undefined) output.line(`It takes images of ${imageSize}×${imageSize}.`);
  showRivals({ baseline, stage1: best }, rivals, output);
  output.line(`Report: ${join(directory, 'report.html')}`);
  return ExitCode.done;
};
