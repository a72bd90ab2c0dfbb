import { finalOf, HEADER, type Result, rivalRows, rivalSentences } from '../report/figures.js';
import type { Rival } from '../report/record.js';
import type { Output } from './output.js';

/** What else the same data and budget gave. */
export function showRivals(result: Result, rivals: readonly Rival[], output: Output): void {
  if (rivals.length === 0) return;
  const final = finalOf(result);
  output.line();
  if (rivals.some(({ evidence }) => evidence)) output.table([HEADER, ...rivalRows(result, final, rivals)]);
  for (const sentence of rivalSentences(final, rivals)) output.line(sentence);
}
