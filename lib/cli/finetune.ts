import type { Settings } from '../config/resolve.js';
import { ExitCode } from '../errors.js';
import { finetune } from '../index.js';
import type { Action } from './command.js';
import { EVIDENCE_HEADER, evidenceRow } from './evidence.js';

export const action: Action<Settings<'finetune'>> = async ({ settings, output, onEvent, signal }) => {
  const evidence = await finetune(settings, { onEvent, signal });
  if (output.json) output.document(evidence);
  else output.table([EVIDENCE_HEADER, evidenceRow(settings.out ?? '', evidence)]);
  return ExitCode.done;
};
