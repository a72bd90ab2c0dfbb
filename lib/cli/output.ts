/** Results on stdout, everything else on stderr. */

import { stripVTControlCharacters } from 'node:util';
import { type Paint, painter } from './color.js';

export interface Output {
  /** Whether one JSON document is wanted in place of text. */
  json: boolean;
  quiet: boolean;
  paint: Paint;
  /** A line of the result. */
  line(text?: string): void;
  /** Rows as aligned columns; the first is the header. Columns of numbers stand right. */
  table(rows: readonly (readonly string[])[]): void;
  /** The result as a JSON document. */
  document(value: unknown): void;
}

export function openOutput(options: { json: boolean; quiet: boolean }): Output {
  const paint = painter(process.stdout);
  const line = (text = '') => {
    process.stdout.write(`${text}\n`);
  };
  return {
    ...options,
    paint,
    line,
    table: (rows) => {
      for (const [index, text] of columns(rows).entries()) line(index === 0 ? paint('bold', text) : text);
    },
    document: (value) => line(JSON.stringify(value, null, 2)),
  };
}

/** Names come from model files: what would drive the terminal is taken out. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}/gu, '�');
}

/** Aligned columns, two spaces apart. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const safe = rows.map((row) => row.map(printable));
  const count = Math.max(0, ...safe.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, at) => Math.max(...safe.map((row) => row[at]?.length ?? 0)));
  const numeric = widths.map((_, at) => safe.slice(1).every((row) => /^(–|[-+]?\d.*|)$/.test(row[at] ?? '')));
  return safe.map((row) =>
    row
      .map((cell, at) => (numeric[at] ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
