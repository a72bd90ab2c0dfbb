/** What changed between reports of a case: the one of now and older ones. */

import type { Report, Row } from './report.js';
import { type Interval, overlap } from './statistics.js';

/** What makes rows of two reports the same one. */
export type Identity = Pick<Row, 'name' | 'rivalName' | 'unit'>;

/** Our side of a row. */
export interface State {
  value: number;
  interval: Interval | null;
  peakBytes: number | null;
}

export interface Change extends Identity {
  before: State;
  now: State;
  /** Above 1 where it is better now, below 1 where it is worse; null where values of nothing leave no ratio. */
  ratio: number | null;
  /**
   * Whether the intervals do; null where a side has none. Where nothing changed (normal noise, as many trials on both
   * sides), they lie apart all the same in 34 % of the cases with 3 trials, in 21 % with 5, in 6 % with 9.
   */
  overlap: boolean | null;
}

export interface ReportComparison {
  /** What the person gave to compare with. */
  against: string;
  /** Processors of the reports before, where they are not the one of now: then they differ for that too. */
  otherProcessors: string[];
  changes: Change[];
  onlyBefore: Identity[];
  onlyNow: Identity[];
}

function identityOf({ name, rivalName, unit }: Identity): Identity {
  return { name, rivalName, unit };
}

function keyOf({ name, rivalName, unit }: Identity): string {
  return JSON.stringify([name, rivalName, unit]);
}

function stateOf({ ours, intervals, peakBytes }: Row): State {
  return { value: ours, interval: intervals?.ours ?? null, peakBytes: peakBytes?.ours ?? null };
}

function changeOf(old: Row, row: Row): Change {
  const [before, now] = [stateOf(old), stateOf(row)];
  const better = row.better ?? old.better;
  const quotient = better === 'lower' ? before.value / now.value : now.value / before.value;
  return {
    ...identityOf(row),
    before,
    now,
    ratio: better && before.value > 0 && now.value > 0 ? quotient : null,
    overlap: before.interval && now.interval && overlap(before.interval, now.interval),
  };
}

/** @param before reports of the same case; of a row that several have, the last counts */
export function compareReports(now: Report, before: readonly Report[], against: string): ReportComparison {
  const old = new Map(before.flatMap(({ rows, machine }) => rows.map((row) => [keyOf(row), { row, machine }])));
  const pairs = now.rows.map((row) => ({ row, old: old.get(keyOf(row)) }));
  const present = new Set(now.rows.map(keyOf));
  const processors = pairs.flatMap((pair) => pair.old?.machine.processor ?? []);
  return {
    against,
    otherProcessors: [...new Set(processors)].filter((processor) => processor !== now.machine.processor),
    changes: pairs.flatMap(({ row, old }) => (old ? changeOf(old.row, row) : [])),
    onlyBefore: [...old.values()].map(({ row }) => identityOf(row)).filter((row) => !present.has(keyOf(row))),
    onlyNow: pairs.flatMap(({ row, old }) => (old ? [] : identityOf(row))),
  };
}
