import type { Settings } from '../config/resolve.js';
import { ExitCode } from '../errors.js';
import { type Comparison, validate } from '../index.js';
import { percent } from '../report/figures.js';
import type { Action } from './command.js';
import { EVIDENCE_HEADER, evidenceRow } from './evidence.js';
import type { Output } from './output.js';

export const action: Action<Settings<'validate'>> = async ({ settings, positionals, output, onEvent, signal }) => {
  const { model = '', other } = positionals;
  const paths = other === undefined ? [model] : [model, other];
  const { entries, comparison } = await validate(paths, settings, { onEvent, signal });
  if (output.json) {
    output.document(comparison ? { entries, comparison } : entries[0]);
    return ExitCode.done;
  }
  output.table([EVIDENCE_HEADER, ...entries.map((entry, index) => evidenceRow(paths[index] ?? '', entry))]);
  if (comparison) show(comparison, output);
  return ExitCode.done;
};

function show({ agreement, accuracyPoints, ratio }: Comparison, output: Output): void {
  output.line();
  if (agreement && accuracyPoints !== undefined) {
    const change = `${accuracyPoints >= 0 ? '+' : ''}${accuracyPoints.toFixed(1)} points of accuracy`;
    output.line(`The second gives the same class for ${percent(agreement.value)} of ${agreement.n} images; ${change}.`);
  }
  const times = (value: number) => `${value.toFixed(2)}×`;
  const sizes = `${times(ratio.parameters)} fewer parameters, ${times(ratio.macs)} fewer MACs, ${times(ratio.bytes)} smaller file`;
  const speeds = `${times(ratio.latencyMs.batch1)} the speed at batch 1, ${times(ratio.latencyMs.batch32)} at batch 32`;
  output.line(`It has ${sizes}; ${speeds}.`);
}
