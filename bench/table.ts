/** Results as a person reads them. */

import type { Report, Row } from './report.js';
import type { Interval } from './statistics.js';
import { columns, figure, megabytes, range } from './text.js';

function betterBy({ ratio, low, high }: Row): string {
  if (ratio === null) return '';
  return `${figure(ratio)}×${low === null || high === null ? '' : ` ${range({ low, high })}`}`;
}

function cells(row: Row): string[] {
  const { rival, memoryRatio } = row;
  return [
    row.name,
    `${figure(row.ours)} ${row.unit}`,
    rival === null ? 'not measured' : `${figure(rival)} ${row.unit}`,
    row.rivalName,
    betterBy(row),
    memoryRatio === null ? '' : `${figure(memoryRatio)}×`,
  ];
}

const HEADER = ['', 'tascnet', 'rival', '', 'better by'];

/** Ours and the rival's in MB, and how many times ours the rival's is. */
function memoryCell({ peakBytes, memoryRatio }: Row): string {
  const times = memoryRatio === null ? '' : `${figure(memoryRatio)}×`;
  const { ours = null, rival = null } = peakBytes ?? {};
  if (ours === null && rival === null) return times;
  const amounts = rival === null ? [ours] : [ours, rival];
  const both = amounts.map((bytes) => (bytes === null ? 'unknown' : megabytes(bytes))).join(' / ');
  return `${both} MB${times && `, ${times}`}`;
}

function withInterval(cell: string, interval: Interval | null | undefined): string {
  return interval ? `${cell} ${range(interval)}` : cell;
}

/** @param width of the terminal: the intervals of the values are left out where there is no room for them */
export function table({ case: name, machine, rows }: Report, width = Number.POSITIVE_INFINITY): string {
  const lines = (intervals: boolean) =>
    columns([
      [...HEADER, "peak memory / rival's"],
      ...rows.map((row) => {
        const [first = '', ours = '', rival = '', ...others] = cells(row).with(-1, memoryCell(row));
        if (!intervals) return [first, ours, rival, ...others];
        return [first, withInterval(ours, row.intervals?.ours), withInterval(rival, row.intervals?.rival), ...others];
      }),
    ]);
  const whole = lines(true);
  const fits = whole.every((line) => line.length <= width);
  const about = `${name}: ${machine.processor}, ${machine.cores} cores, load ${figure(machine.loadAverage)}`;
  return [about, ...(fits ? whole : lines(false))].join('\n');
}

/** For the README, under a line about each case's machine. */
export function markdown(reports: readonly Report[]): string {
  const header = [...HEADER, 'less memory'];
  return reports
    .map(({ case: name, machine, date, trials, rows }) => {
      const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
      const about = `${machine.processor}, ${machine.cores} cores, load ${figure(machine.loadAverage)} before, ${trials} ${trials === 1 ? 'trial' : 'trials'}, ${date}`;
      const head = [line(header), line(header.map(() => '---'))];
      return [`**${name}** (${about})`, '', ...head, ...rows.map((row) => line(cells(row)))].join('\n');
    })
    .join('\n\n');
}
