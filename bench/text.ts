/** Figures and columns as a person reads them. */

import type { Interval } from './statistics.js';

export function figure(value: number): string {
  return value >= 1e5 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
}

export function range({ low, high }: Interval): string {
  return `(${figure(low)} – ${figure(high)})`;
}

/** Without the unit, which may stand once for several. */
export function megabytes(bytes: number): string {
  return figure(bytes / 1e6);
}

/** Aligned, two spaces apart. */
export function columns(lines: readonly (readonly string[])[]): string[] {
  const count = Math.max(0, ...lines.map((line) => line.length));
  const widths = Array.from({ length: count }, (_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
