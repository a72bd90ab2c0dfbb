import type { Settings } from '../config/resolve.js';
import { ExitCode } from '../errors.js';
import { type Comparison, type Evidence, validate } from '../index.js';
import { percent, speedSentences } from '../report/figures.js';
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
  const [first, second] = entries;
  if (comparison && first && second) show(first, second, comparison, output);
  return ExitCode.done;
};

function show(first: Evidence, second: Evidence, comparison: Comparison, output: Output): void {
  const { agreement, accuracyPoints, ratio } = comparison;
  output.line();
  if (agreement && accuracyPoints !== undefined) {
    const change = `${accuracyPoints >= 0 ? '+' : ''}${accuracyPoints.toFixed(1)} points of accuracy`;
    output.line(
      `The second gives the same class for ${percent(agreement.value)} of ${agreement.n} samples; ${change}.`,
    );
  }
  const times = (value: number) => `${value.toFixed(2)}×`;
  output.line(
    `The first has ${times(ratio.parameters)} the parameters, ${times(ratio.macs)} the MACs and ${times(ratio.bytes)} the bytes of the second.`,
  );
  for (const sentence of speedSentences(first, second, { first: 'the first', second: 'the second' }))
    output.line(sentence);
}
