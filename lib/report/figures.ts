/** The figures of a run as a person reads them: the table at the end of a run and in its report. */

import type { Rival, RunRecord } from './record.js';

export type Result = NonNullable<RunRecord['result']>;
type Entry = Result['baseline'];

export const STAGES = [
  ['baseline', 'fine-tuned original'],
  ['stage1', 'after search'],
  ['stage2', 'after pruning'],
] as const;

export const HEADER = ['', 'test accuracy', 'MACs', 'parameters', 'file', 'latency, batch 1', 'latency, batch 32'];

/** 1234567 → "1.23 M". */
export function short(value: number, unit = ''): string {
  if (Number.isInteger(value) && Math.abs(value) < 1000) return `${value} ${unit}`.trimEnd();
  const [factor, prefix] = value >= 1e9 ? [1e9, 'G'] : value >= 1e6 ? [1e6, 'M'] : value >= 1e3 ? [1e3, 'k'] : [1, ''];
  return `${(value / factor).toPrecision(3)} ${prefix}${unit}`.trimEnd();
}

export function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

const TRAININGS: Record<string, string> = {
  baseline: 'original',
  stage1: 'after search',
  winner: 'after search',
  'rival-plain': 'plain fine-tuning',
  'rival-random': 'random search',
  'rival-smaller-input': 'smaller images',
};

/** What was asked for and what came of it. */
export function targetSentence({ name, wanted, got, met, unit }: NonNullable<RunRecord['targets']>[number]): string {
  const shown = (value: number) => (unit ? `${value.toFixed(2)} ${unit}` : `${percent(value)} of the original`);
  return `Target for ${name}: at most ${shown(wanted)}, got ${shown(got)}: ${met ? 'met' : 'missed'}.`;
}

/** A training as the journal calls it, in words. */
export function trainingName(part: string): string {
  const step = /^prune-(\d+)$/.exec(part)?.[1];
  if (step !== undefined) return `pruning, step ${Number(step) + 1}`;
  return TRAININGS[part] ?? part;
}

function cells(entry: Entry, baseline: Entry): string[] {
  const times = (now: number, before: number) => (now === before ? '' : ` (${(before / now).toFixed(2)}× less)`);
  const { accuracy, macs, parameters, bytes, latency } = entry;
  const interval = accuracy ? `${percent(accuracy.value)} (${percent(accuracy.low)} – ${percent(accuracy.high)})` : '–';
  return [
    interval,
    short(macs) + times(macs, baseline.macs),
    short(parameters) + times(parameters, baseline.parameters),
    short(bytes, 'B'),
    `${latency.batch1.median.toFixed(2)} ms (p95 ${latency.batch1.p95.toFixed(2)})`,
    `${latency.batch32.median.toFixed(1)} ms (p95 ${latency.batch32.p95.toFixed(1)})`,
  ];
}

/** What a run ends with: after pruning, where it prunes. */
export function finalOf(result: Result): Entry {
  return result.stage2 ?? result.stage1;
}

/** One row a stage. */
export function resultRows(result: Result): string[][] {
  return STAGES.flatMap(([stage, name]) => {
    const entry = result[stage];
    return entry ? [[name, ...cells(entry, result.baseline)]] : [];
  });
}

/** The result among its rivals, one row each; what could not be measured has none. */
export function rivalRows(result: Pick<Result, 'baseline'>, final: Entry, rivals: readonly Rival[]): string[][] {
  return [
    ['the result', ...cells(final, result.baseline)],
    ...rivals.flatMap(({ title, evidence }) => (evidence ? [[title, ...cells(evidence, result.baseline)]] : [])),
  ];
}

/** What may be said of the accuracies of a result and its rivals: a difference only where the 95 % intervals do not overlap. */
export function rivalSentences(final: Entry, rivals: readonly Rival[]): string[] {
  return rivals.map(({ title, evidence, absent, file }) => {
    const name = title.charAt(0).toUpperCase() + title.slice(1);
    if (!evidence?.accuracy || !final.accuracy)
      return `${name} was not measured${absent === undefined ? '' : `: ${absent}`}.`;
    const points = Math.abs(100 * (evidence.accuracy.value - final.accuracy.value)).toFixed(1);
    const cost = `${short(evidence.macs)} MACs and ${short(evidence.parameters)} parameters`;
    if (evidence.accuracy.low > final.accuracy.high)
      return `${name} wins: ${points} points more accurate than the result, with ${cost}${file ? `; it is kept as ${file}` : ''}.`;
    if (evidence.accuracy.high < final.accuracy.low)
      return `${name} is ${points} points less accurate than the result, with ${cost}.`;
    const direction = evidence.accuracy.value > final.accuracy.value ? 'more' : 'less';
    const by =
      evidence.accuracy.value === final.accuracy.value
        ? 'as accurate as'
        : `${points} points ${direction} accurate than`;
    return `${name} is ${by} the result, with ${cost}: the intervals overlap.`;
  });
}

/**
 * What may be said of the speed: a gain only where the medians' 95 % intervals do not overlap.
 * @param names of the two in the sentences.
 * @returns one sentence for each batch size.
 */
export function speedSentences(
  first: Pick<Entry, 'latency'>,
  second: Pick<Entry, 'latency'>,
  names: { first: string; second: string } = { first: 'the fine-tuned original', second: 'the result' },
): string[] {
  return (['batch1', 'batch32'] as const).map((batch) => {
    const [before, after] = [first.latency[batch], second.latency[batch]];
    const size = batch === 'batch1' ? 'batch 1' : 'batch 32';
    const ratio = (before.median / after.median).toFixed(2);
    if (after.high < before.low)
      return `At ${size} ${names.second} is ${ratio}× faster than ${names.first} in ONNX Runtime.`;
    if (after.low > before.high)
      return `At ${size} ${names.second} is slower than ${names.first} (${ratio}× its speed).`;
    return `At ${size} no difference in speed was found (${ratio}×, and the intervals overlap).`;
  });
}
