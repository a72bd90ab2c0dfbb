/** The rows of a CSV or TSV with named columns. */

import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { type CsvError, parse } from 'csv-parse/sync';
import { messageOf, TascnetError } from '../errors.js';
import { shown } from './scan.js';

export interface Row {
  /** As an editor counts them, from 1. */
  line: number;
  record: Record<string, string | undefined>;
}

/**
 * Reads a table whose first line names its columns; those of a `.tsv` are separated by tabs.
 * @param needed columns that must be there, each by the names that it may have.
 * @param noun what the rows are, as errors call them.
 * @returns the rows, and the name that each needed column has.
 * @throws TascnetError when it cannot be read, is empty or lacks a column.
 */
export async function readRows<const N extends readonly (readonly string[])[]>(
  path: string,
  needed: N,
  noun: string,
): Promise<{ rows: Row[]; columns: string[]; names: { [K in keyof N]: string } }> {
  const rows = await parseRows(path);
  const [first] = rows;
  if (!first) throw new TascnetError(`The CSV ${shown(path)} lists no ${noun}.`);
  const columns = Object.keys(first.record);
  const names = needed.map((aliases) => {
    const name = aliases.find((alias) => columns.includes(alias));
    if (name !== undefined) return name;
    const form = needed.map(([usual]) => usual).join();
    throw new TascnetError(
      `The CSV ${shown(path)} has no column "${aliases[0]}": its first line names ${columns.map(shown).join(', ')}.`,
      { hint: `The first line should be ${form} or ${form},split, separated by ${separator(path)}.` },
    );
  });
  return { rows, columns, names: names as { [K in keyof N]: string } };
}

/** How many problems an error spells out. */
const SHOWN_PROBLEMS = 3;

/** @throws TascnetError that names the first of the problems, if there are any. */
export function refuse(path: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  const more = problems.length > SHOWN_PROBLEMS ? `; and ${problems.length - SHOWN_PROBLEMS} more lines` : '';
  throw new TascnetError(`The CSV ${shown(path)} is wrong: ${problems.slice(0, SHOWN_PROBLEMS).join('; ')}${more}.`);
}

function isTabbed(path: string): boolean {
  return extname(path).toLowerCase() === '.tsv';
}

function separator(path: string): string {
  return isTabbed(path) ? 'tabs' : 'commas';
}

async function parseRows(path: string): Promise<Row[]> {
  try {
    const parsed = parse(await readFile(path), {
      bom: true,
      columns: true,
      info: true,
      skip_empty_lines: true,
      trim: true,
      // Quotes stand for themselves between tabs, as in the data sets that are published so.
      ...(isTabbed(path) ? { delimiter: '\t', quote: null } : {}),
    });
    return (parsed as unknown as { record: Row['record']; info: { lines: number } }[]).map(({ record, info }) => ({
      line: info.lines,
      record,
    }));
  } catch (error) {
    const { lines } = error as Partial<CsvError> & { lines?: number };
    throw new TascnetError(
      `The CSV ${shown(path)} cannot be read${typeof lines === 'number' ? `, line ${lines}` : ''}: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}
