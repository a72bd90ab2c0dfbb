import type { Settings } from '../config/resolve.js';
import { ExitCode } from '../errors.js';
import { plan, prune } from '../index.js';
import { percent, short, speedSentences } from '../report/figures.js';
import type { Action, Context } from './command.js';
import { EVIDENCE_HEADER, evidenceRow } from './evidence.js';
import { printable } from './output.js';

export const action: Action<Settings<'prune'>> = async (context) => {
  const { settings, output, onEvent, signal } = context;
  if (settings.dryRun) return dryRun(context);
  const { plan: done, met, before, after } = await prune(settings, { onEvent, signal });
  if (output.json) output.document({ met, before, after, plan: done });
  else {
    output.table([EVIDENCE_HEADER, evidenceRow('before', before), evidenceRow(settings.out ?? '', after)]);
    for (const sentence of speedSentences(before, after, { first: 'the original', second: 'the result' }))
      output.line(sentence);
    if (!met) output.line('The target was not reached within the limits that were set.');
  }
  return met ? ExitCode.done : ExitCode.targetMissed;
};

/** Groups, and what would be left of them. */
export async function dryRun(
  context: Pick<Context<Omit<Settings<'prune'>, 'measure'>>, 'settings' | 'output' | 'onEvent' | 'signal'>,
) {
  const { settings, output, onEvent, signal } = context;
  const { inspect } = await import('../index.js');
  const expected = await plan(settings, { onEvent, signal });
  if (output.json) {
    output.document(expected);
    return ExitCode.done;
  }
  const removed = new Map(expected.plan.groups.map((group) => [group.id, group.removed.length]));
  const rows = expected.groups.map(({ id, channels }) => {
    const gone = removed.get(id) ?? 0;
    return [id, String(channels), String(gone), String(channels - gone)];
  });
  output.table([['group', 'channels', 'removed', 'left'], ...rows]);
  for (const { node, reason } of expected.plan.pinned) output.line(printable(`pinned: ${node}: ${reason}`));
  const now = await inspect(settings.model ?? '');
  const left = (after: number, before: number) => `${short(after)} (${percent(after / before)} of ${short(before)})`;
  output.line();
  output.line(`MACs left: ${left(expected.macs, now.macs)}; parameters: ${left(expected.parameters, now.parameters)}.`);
  if (!expected.met) output.line('The target cannot be reached within the limits that are set.');
  return ExitCode.done;
}
