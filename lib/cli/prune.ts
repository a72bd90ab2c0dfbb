import type { Settings } from '../config/resolve.js';
import { ExitCode } from '../errors.js';
import { type Evidence, type PruneOutcome, plan, prune } from '../index.js';
import { percent, short, speedSentences } from '../report/figures.js';
import type { Action, Context } from './command.js';
import { EVIDENCE_HEADER, evidenceRow } from './evidence.js';
import { pinnedLines } from './pinned.js';
import { showRivals } from './rivals.js';

export const action: Action<Settings<'prune'>> = async (context) => {
  const { settings, output, onEvent, signal } = context;
  if (settings.dryRun) return dryRun(context);
  const { plan: done, met, before, after, rivals } = await prune(settings, { onEvent, signal });
  if (output.json) output.document({ met, before, after, ...(rivals ? { rivals } : {}), plan: done });
  else {
    output.table([EVIDENCE_HEADER, evidenceRow('before', before), evidenceRow(settings.out ?? '', after)]);
    if (before.latency && after.latency) {
      const names = { first: 'the original', second: 'the result' };
      const latencies = [{ latency: before.latency }, { latency: after.latency }] as const;
      for (const sentence of speedSentences(...latencies, names)) output.line(sentence);
    } else output.line(`Not measured: tascnet validate ${settings.model} ${settings.out} does, or --measure.`);
    if (isMeasured(before) && isMeasured(after) && rivals)
      showRivals({ baseline: before, stage1: after }, rivals, output);
    for (const line of pinnedLines(done.pinned)) output.line(line);
    if (!met) output.line('The target was not reached within the limits that were set.');
  }
  return met ? ExitCode.done : ExitCode.targetMissed;
};

function isMeasured(figures: PruneOutcome['after']): figures is Evidence {
  return figures.latency !== undefined;
}

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
  for (const line of pinnedLines(expected.plan.pinned)) output.line(line);
  const now = await inspect(settings.model ?? '');
  const left = (after: number, before: number) => `${short(after)} (${percent(after / before)} of ${short(before)})`;
  output.line();
  output.line(`MACs left: ${left(expected.macs, now.macs)}; parameters: ${left(expected.parameters, now.parameters)}.`);
  if (!expected.met) output.line('The target cannot be reached within the limits that are set.');
  return ExitCode.done;
}
