/** The reports that `--compare` names: a file with one or several, or a folder of such files. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type * as z from 'zod';
import { ExitCode, messageOf, TascnetError } from '../lib/errors.js';
import { caseSchema, type Report, reportSchema } from './report.js';

export interface OldReports {
  /** In the order in which they were read. */
  reports: Report[];
  /** Cases of which there were reports too, but which are measured and stored another way. */
  otherCases: string[];
}

function damaged(file: string, problem: string, cause?: unknown): TascnetError {
  return new TascnetError(`${file} ${problem}.`, { exitCode: ExitCode.usage, cause });
}

/** One document, the elements of an array, or a document on each line, as `--json` prints several cases. */
function documents(text: string, file: string): unknown[] {
  try {
    return [JSON.parse(text) as unknown].flat();
  } catch {
    return text.split('\n').flatMap((line, at): unknown[] => {
      // npm says with such a line what it runs, on the standard output.
      if (line.trim() === '' || line.startsWith('> ')) return [];
      try {
        return [JSON.parse(line)];
      } catch {
        // The reason would quote the file.
        throw damaged(file, `is not JSON, neither as a whole nor line by line (line ${at + 1})`);
      }
    });
  }
}

/** @param at which of the file's documents it is, where there are several */
function checked<Schema extends z.ZodType>(schema: Schema, document: unknown, file: string, at?: number) {
  const { success, data, error } = schema.safeParse(document);
  if (success) return data;
  const [issue] = error.issues;
  const place = [...(at === undefined ? [] : [at]), ...(issue?.path ?? [])].map(String).join('.') || 'the whole';
  throw damaged(file, `holds what is no report of the benchmarks: ${place}: ${issue?.message}`, error);
}

/** @param file as a person calls it. @throws TascnetError when the text is damaged */
export function parseReports(text: string, file: string, cases: readonly string[]): OldReports {
  const all = documents(text, file);
  const reports: Report[] = [];
  const otherCases: string[] = [];
  for (const [index, document] of all.entries()) {
    const at = all.length > 1 ? index : undefined;
    const { case: name } = checked(caseSchema, document, file, at);
    if (cases.includes(name)) reports.push(checked(reportSchema, document, file, at));
    else otherCases.push(name);
  }
  return { reports, otherCases };
}

/**
 * @param path of a file, or of a folder whose `.json` files are read
 * @param cases that can be compared
 * @throws TascnetError when there is nothing to read, nothing to compare, or a file is damaged
 */
export function readReports(path: string, cases: readonly string[]): OldReports {
  const read = filesIn(path).map((file) => parseReports(readText(file), file, cases));
  const reports = read.flatMap((one) => one.reports);
  const otherCases = [...new Set(read.flatMap((one) => one.otherCases))];
  if (reports.length > 0) return { reports, otherCases };
  const found = otherCases.length > 0 ? ` (of ${otherCases.join(', ')} only)` : '';
  throw damaged(path, `holds no report of a case that can be compared${found}: expected one of ${cases.join(', ')}`);
}

function filesIn(path: string): string[] {
  return reading(path, () => {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => name.endsWith('.json'));
    return names.sort().map((name) => join(path, name));
  });
}

function readText(file: string): string {
  return reading(file, () => readFileSync(file, 'utf8'));
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw damaged(path, `cannot be read: ${messageOf(error)}`, error);
  }
}
