import type { Settings } from '../config/resolve.js';
import { ExitCode, TascnetError } from '../errors.js';
import { finetune } from '../index.js';
import type { Action } from './command.js';
import { EVIDENCE_HEADER, evidenceRow } from './evidence.js';

export const action: Action<Settings<'finetune'>> = async ({ settings, sources, output, onEvent, signal }) => {
  if (settings.teacher === undefined && settings.distill > 0 && sources.distill === 'command line')
    throw new TascnetError('--distill is for learning from --teacher, and there is none.', {
      hint: 'Give --teacher, a network that was fine-tuned on the same data; or leave --distill out.',
      exitCode: ExitCode.usage,
    });
  const evidence = await finetune(settings, { onEvent, signal });
  if (output.json) output.document(evidence);
  else output.table([EVIDENCE_HEADER, evidenceRow(settings.out ?? '', evidence)]);
  return ExitCode.done;
};
