import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CASES } from '../../bench/cases.js';
import { parseReports, readReports } from '../../bench/old-reports.js';
import { ExitCode, TascnetError } from '../../lib/errors.js';
import { newRow, oldRow, reportOf } from './reports.js';

const [scoring, surgery] = [reportOf([oldRow()]), reportOf([newRow()], { name: 'surgery' })];
const parse = (text: string) => parseReports(text, 'old.json', CASES);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tascnet-old-reports-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** One sentence about the file, as for a command line that is wrong. */
function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (!(error instanceof TascnetError)) throw error;
    expect(error.exitCode).toBe(ExitCode.usage);
    expect(error.message).not.toMatch(/\p{Cc}/u);
    return error.message;
  }
  throw new Error('It was not refused.');
}

test('one report, several in an array, several on lines', () => {
  const both = { reports: [scoring, surgery], otherCases: [] };
  expect(parse(JSON.stringify(scoring, null, 2))).toEqual({ reports: [scoring], otherCases: [] });
  expect(parse(JSON.stringify([scoring, surgery]))).toEqual(both);
  expect(parse(`${JSON.stringify(scoring)}\n${JSON.stringify(surgery)}\n`)).toEqual(both);
});

test('what npm says before the results is passed over', () => {
  const head = '\n> tascnet@0.1.0 bench\n> node scripts/bench.mjs --json\n\n';
  expect(parse(`${head}${JSON.stringify(scoring)}\r\n`).reports).toEqual([scoring]);
});

test('a comparison that was printed with a report is not part of it', () => {
  expect(parse(JSON.stringify({ ...scoring, comparison: { against: 'older.json' } })).reports).toEqual([scoring]);
});

test('cases that are measured another way are told apart, not read', () => {
  expect(parse(JSON.stringify([{ case: 'accuracy', rows: 'any' }, scoring]))).toEqual({
    reports: [scoring],
    otherCases: ['accuracy'],
  });
});

test('the stored results can be compared with', () => {
  const { reports, otherCases } = readReports('bench/results', CASES);
  expect(reports.map((report) => report.case)).toContain('scoring');
  expect(otherCases).toEqual(expect.arrayContaining(['accuracy', 'stage1']));
});

test('of a folder the .json files are read', () => {
  const path = join(folder, 'several');
  mkdirSync(path);
  writeFileSync(join(path, 'b.json'), JSON.stringify(scoring));
  writeFileSync(join(path, 'a.json'), JSON.stringify(surgery));
  writeFileSync(join(path, 'notes.txt'), 'not JSON');
  expect(readReports(path, CASES).reports).toEqual([surgery, scoring]);
  writeFileSync(join(path, 'c.json'), '{"case": ');
  expect(refusal(() => readReports(path, CASES))).toContain('c.json is not JSON');
});

test('what cannot be read, and what holds nothing to compare with', () => {
  expect(refusal(() => readReports(join(folder, 'absent.json'), CASES))).toMatch(
    /absent\.json cannot be read: no such file or directory\.$/,
  );
  const path = join(folder, 'empty');
  mkdirSync(path);
  expect(refusal(() => readReports(path, CASES))).toMatch(/empty holds no report of a case that can be compared: /);
  writeFileSync(join(path, 'accuracy.json'), '{"case":"accuracy"}');
  expect(refusal(() => readReports(path, CASES))).toMatch(/\(of accuracy only\): expected one of startup, /);
});

const broken = (change: object) => JSON.stringify({ ...scoring, ...change });

test.each([
  ['text', 'hello \u001b[31m', 'is not JSON, neither as a whole nor line by line (line 1)'],
  ['a report cut off', JSON.stringify(scoring, null, 2).slice(0, 300), 'is not JSON'],
  ['a line cut off', `${JSON.stringify(scoring)}\n${JSON.stringify(surgery).slice(0, -5)}`, '(line 2)'],
  ['null', 'null', 'the whole: '],
  ['a number', '5', 'the whole: '],
  ['an array in an array', JSON.stringify([scoring, [surgery]]), ': 1: '],
  ['no case', '{"rows": []}', ': case: '],
  ['a case that drives the terminal', '{"case": "\\u001b[2J"}', ': case: a text without control characters'],
  ['no machine', broken({ machine: undefined }), ': machine: '],
  ['rows that are none', broken({ rows: { length: 1 } }), ': rows: '],
  ['a row that is none', broken({ rows: [null] }), ': rows.0: '],
  ['a value that is a text', broken({ rows: [{ ...oldRow(), ours: '10' }] }), ': rows.0.ours: '],
  ['a value past all numbers', broken({ rows: [oldRow({ ours: 7 })] }).replace('"ours":7', '"ours":1e999'), '.ours: '],
  ['a name that drives the terminal', broken({ rows: [oldRow({ name: 'a\nb' })] }), ': rows.0.name: '],
  ['half an interval', broken({ rows: [{ ...newRow(), intervals: { ours: { low: 1 } } }] }), '.intervals.ours.high: '],
  [
    'memory below nothing',
    broken({ rows: [newRow({ peakBytes: { ours: -1, rival: null } })] }),
    ': rows.0.peakBytes.ours: ',
  ],
])('refuses %s', (_, text, expected) => {
  const message = refusal(() => parse(text));
  expect(message).toMatch(/^old\.json /);
  expect(message).toContain(expected);
});
