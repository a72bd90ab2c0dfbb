/** Wrong usage and bad input: one clear sentence on stderr, nothing on stdout, the documented exit code. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { DIGITS, tascnet } from './tascnet.js';

const folder = mkdtempSync(join(tmpdir(), 'tascnet-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test.each([
  ['no command', [], /a command is missing/],
  ['an unknown command', ['rum'], /Unknown command "rum".*\n.*Did you mean "tascnet run"/],
  ['a command that begins like one of two', ['prun'], /Did you mean "tascnet prune"/],
  ['a command that is like no other', ['frobnicate'], /Unknown command "frobnicate".*\n.*tascnet --help/],
  ['a mistyped option', ['run', '--epoch', '3'], /Unknown option "--epoch".*\n.*Did you mean "--epochs"/],
  ['a mistyped negation', ['prune', '--no-fintune'], /Unknown option "--no-fintune".*\n.*"--no-finetune"/],
  ["another command's option", ['inspect', DIGITS, '--trials', '3'], /--trials is no option of tascnet inspect/],
  [
    'a text for a number',
    ['run', '--epochs', 'many'],
    /Expected a whole number from 1 .* for --epochs but received "many"/,
  ],
  ['a fraction for a whole number', ['run', '--epochs', '1.5'], /Expected a whole number .* but received 1.5/],
  [
    'a layer without a ratio',
    ['prune', '--model', DIGITS, '--out', 'x.onnx', '--layer-ratios', 'conv1.weight'],
    /Expected pairs NAME=RATIO.*for --layer-ratios but received/,
  ],
  ['a number out of range', ['prune', '--ratio=-1'], /Expected a number from 0 to 0.99 for --ratio but received -1/],
  ['learning from nobody', ['finetune', '--distill', '0.5'], /--distill is for learning from --teacher/],
  ['an unknown choice', ['run', '--optimizer', 'lion'], /Expected one of sgd, .* for --optimizer but received "lion"/],
  [
    'fewer epochs than trainings',
    ['run', '--model', DIGITS, '--data', '.', '--out', 'x', '--epochs', '2'],
    /trains 3 times, but --epochs is 2/,
  ],
  ['an option without its value', ['run', '--epochs'], /--epochs needs a value/],
  ['an empty value', ['run', '--model', ''], /Expected a name for --model but received ""/],
  ['a missing argument', ['inspect'], /tascnet inspect needs <model>/],
  ['an argument too many', ['validate', 'a', 'b', 'c'], /takes no argument "c"/],
  ['a missing option', ['finetune', '--model', DIGITS], /tascnet finetune needs --out|needs --data/],
  ['an unknown action', ['engine', 'remove'], /does not know "remove"/],
  ['no goal', ['prune', '--model', DIGITS, '--out', 'x.onnx'], /how much to remove must be said/],
  ['another ending', ['prune', '--model', DIGITS, '--out', 'x.pb', '--ratio', '0.5'], /ends in .onnx for --out/],
  [
    'a criterion that needs data',
    ['prune', '--model', DIGITS, '--out', 'x.onnx', '--ratio', '0.5', '--criterion', 'taylor'],
    /criterion taylor needs training data/,
  ],
  [
    'a configuration file that is absent',
    ['inspect', DIGITS, '--config', 'nowhere.json'],
    /nowhere.json cannot be read/,
  ],
])('%s is refused with exit code 2', async (_, args, expected) => {
  const { code, stdout, stderr } = await tascnet(args, { cwd: folder });
  expect(stderr).toMatch(expected);
  expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
  expect(stderr).not.toMatch(/defect|\bat .*:\d+:\d+/);
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

test.each([
  ['an absent model', () => ['inspect', join(folder, 'nowhere.onnx')], /nowhere.onnx/],
  ['a text file called .onnx', () => ['inspect', file('text.onnx', 'I am no model.')], /text.onnx/],
  ['a truncated model', () => ['inspect', file('cut.onnx', readFileSync(DIGITS).subarray(0, 50_000))], /cut.onnx/],
  ['an unknown format', () => ['inspect', file('model.xyz', '')], /model.xyz: the model format ".xyz" is not known/],
  ['a folder that holds no run', () => ['run', '--resume', folder], /holds no run/],
  [
    'an output that cannot be written',
    () => ['prune', '--model', DIGITS, '--ratio', '0.3', '--out', '/nowhere/x.onnx'],
    /folder of --out, "\/nowhere", does not exist/,
  ],
])('%s is refused with exit code 1', async (_, args, expected) => {
  const { code, stdout, stderr } = await tascnet(args(), { cwd: folder });
  expect(stderr).toMatch(expected);
  expect(stderr).not.toMatch(/defect|\bat .*:\d+:\d+/);
  expect(stdout).toBe('');
  expect(code).toBe(1);
});

test('nothing was left in the working directory', () => {
  expect(readdirSync(folder).filter((name) => name.startsWith('x'))).toEqual([]);
});
