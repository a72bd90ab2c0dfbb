/** Results as a person reads them. */

import type { Row } from './case.js';

export interface Report {
  case: string;
  date: string;
  trials: number;
  machine: {
    processor: string;
    cores: number;
    memoryGiB: number;
    system: string;
    node: string;
    simd: string;
    threads: number;
    /** Of the minute before: other work on the machine makes all figures worse. */
    loadAverage: number;
  };
  rows: Row[];
}

export function figure(value: number): string {
  return value >= 1e5 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
}

export function cells(row: Row): string[] {
  const { ratio, low, high, rival, memoryRatio } = row;
  return [
    row.name,
    `${figure(row.ours)} ${row.unit}`,
    rival === null ? 'not measured' : `${figure(rival)} ${row.unit}`,
    row.rivalName,
    ratio === null ? '' : `${figure(ratio)}× (${figure(low ?? ratio)} – ${figure(high ?? ratio)})`,
    memoryRatio === null ? '' : `${figure(memoryRatio)}×`,
  ];
}

export const HEADER = ['', 'tascnet', 'rival', '', 'better by', 'less memory'];

export function table({ case: name, machine, rows }: Report, old?: Report): string {
  const head = old ? [...HEADER, 'before'] : HEADER;
  const lines = rows.map((row) => {
    const before =
      old?.case === name
        ? old.rows.find((other) => other.name === row.name && other.rivalName === row.rivalName)
        : undefined;
    return old ? [...cells(row), before ? `${figure(before.ours)} ${before.unit}` : ''] : cells(row);
  });
  const widths = head.map((cell, at) => Math.max(cell.length, ...lines.map((line) => line[at]?.length ?? 0)));
  const text = [head, ...lines].map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [`${name}: ${machine.processor}, ${machine.cores} cores, load ${figure(machine.loadAverage)}`, ...text].join(
    '\n',
  );
}

/** The same as Markdown, under a line about each case's machine. */
export function markdown(reports: readonly Report[]): string {
  return reports
    .map(({ case: name, machine, date, trials, rows }) => {
      const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
      const about = `${machine.processor}, ${machine.cores} cores, load ${figure(machine.loadAverage)} before, ${trials} ${trials === 1 ? 'trial' : 'trials'}, ${date}`;
      const head = [line(HEADER), line(HEADER.map(() => '---'))];
      return [`**${name}** (${about})`, '', ...head, ...rows.map((row) => line(cells(row)))].join('\n');
    })
    .join('\n\n');
}
