import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { configFileSchema } from '../../lib/config/file.js';
import { OPTIONS } from '../../lib/config/options.js';
import { PRESETS } from '../../lib/config/presets.js';
import { resolve } from '../../lib/config/resolve.js';
import { editDistance, nearest } from '../../lib/errors/suggest.js';
import { TascnetError } from '../../lib/errors.js';

function directoryWith(config: unknown): string {
  const directory = mkdtempSync(join(tmpdir(), 'tascnet-config-'));
  writeFileSync(join(directory, 'tascnet.config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return directory;
}

test('command line over environment over file over preset over default', () => {
  const directory = directoryWith({ epochs: 40, trials: 41, depth: 4, preset: 'quick' });
  const environment = { TASCNET_EPOCHS: '50', TASCNET_TRIALS: '51' };
  const { settings, sources } = resolve('run', { commandLine: { epochs: '60' }, environment, directory });
  expect(settings).toMatchObject({ epochs: 60, trials: 51, depth: 4, trialEpochs: 4, batchSize: 32 });
  expect(sources).toMatchObject({
    epochs: 'command line',
    trials: 'environment',
    depth: 'file',
    trialEpochs: 'preset',
    batchSize: 'default',
  });
});

test('a program that passes an option that is none is told', () => {
  const asked = () => resolve('prune', { commandLine: { raito: 0.5 }, environment: {}, directory: null });
  expect(asked).toThrow(/Unknown option "raito"/);
  expect(asked).toThrow(expect.objectContaining({ hint: 'Did you mean "ratio"?' }));
});

test('texts become values; a file gives values', () => {
  const commandLine = { ignore: ['a.*,b', 'c'], targetMacs: '5e-1', merge: false, dryRun: true };
  const environment = { TASCNET_CLASS_WEIGHTS: 'yes', TASCNET_RECONSTRUCT: '0', TASCNET_LAMBDA: '' };
  const { settings } = resolve('run', { commandLine, environment, directory: null });
  expect(settings).toMatchObject({ ignore: ['a.*', 'b', 'c'], targetMacs: 0.5, merge: false, dryRun: true });
  expect(settings).toMatchObject({ classWeights: true, reconstruct: false, lambda: 1 });
});

test('times are written with their unit, and counted in milliseconds', () => {
  const time = (targetLatency: unknown) =>
    resolve('prune', { commandLine: { targetLatency }, environment: {}, directory: null }).settings.targetLatency;
  expect(['5ms', '5', '0.02s', '1.5 ms', 7].map(time)).toEqual([5, 5, 20, 1.5, 7]);
  for (const wrong of ['5xs', 'ms', '-1ms', '0', '']) expect(() => time(wrong)).toThrow(/Expected a time such as 5ms/);
});

test('the learning rate follows the optimizer, unless it is given', () => {
  const rate = (commandLine: Record<string, unknown>) =>
    resolve('finetune', { commandLine, environment: {}, directory: null }).settings.learningRate;
  expect(rate({})).toBe(0.001);
  expect(rate({ optimizer: 'sgd' })).toBe(0.01);
  expect(rate({ optimizer: 'adamw' })).toBe(0.001);
  expect(rate({ optimizer: 'adamw', learningRate: '3e-4' })).toBe(3e-4);
  const pruning = (commandLine: Record<string, unknown>) =>
    resolve('run', { commandLine, environment: {}, directory: null }).settings.pruneLearningRate;
  expect(pruning({})).toBe(0.001);
  expect(pruning({ learningRate: '3e-4' })).toBe(3e-4);
  expect(pruning({ learningRate: '3e-4', pruneLearningRate: '0.02' })).toBe(0.02);
  expect(rate({ preset: 'paper' })).toBe(1e-3);
});

test.each([
  [{ epoch: 3 }, /unknown key "epoch"/, /"epochs"/],
  [{ 'batch-size': 3 }, /unknown key "batch-size"/, /"batchSize"/],
  [{ resume: 'x' }, /unknown key "resume"/, /./],
  [{ epochs: '3' }, /Expected a whole number .* for "epochs" in .*tascnet.config.json but received "3"/, undefined],
  [{ epochs: null }, /but received null/, undefined],
  [[1], /should be a JSON object/, undefined],
  ['{ epochs: 3 }', /cannot be read/, undefined],
  ['{"__proto__": 3}', /unknown key "__proto__"|cannot be read/, undefined],
])('a configuration file with %j is refused', (config, message, hint) => {
  let error: unknown;
  try {
    resolve('run', { commandLine: {}, environment: {}, directory: directoryWith(config) });
  } catch (caught) {
    error = caught;
  }
  if (!(error instanceof TascnetError)) throw new Error(`expected a refusal, got ${error}`);
  expect(error.message).toMatch(message);
  if (hint) expect(error.hint).toMatch(hint);
  expect(error.exitCode).toBe(2);
});

test('a wrong variable is named', () => {
  const environment = { TASCNET_BATCH_SIZE: 'big' };
  expect(() => resolve('run', { commandLine: {}, environment, directory: null })).toThrow(
    /for TASCNET_BATCH_SIZE but received "big"/,
  );
});

test('every default and every preset is a value that the option takes', () => {
  for (const [key, { schema, fallback }] of Object.entries(OPTIONS)) {
    if (fallback !== undefined) expect([key, schema.safeParse(fallback).success]).toEqual([key, true]);
  }
  for (const preset of Object.values(PRESETS)) {
    for (const [key, value] of Object.entries(preset)) {
      const option = Object.entries(OPTIONS).find(([name]) => name === key)?.[1];
      expect([key, option?.schema.safeParse(value).success]).toEqual([key, true]);
    }
  }
});

test('the published schema is that of the options', () => {
  const published = new URL('../../tascnet.config.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(published, 'utf8'))).toEqual(configFileSchema());
});

test('what was meant', () => {
  expect(nearest('epoch', ['epochs', 'depth'])).toBe('epochs');
  expect(nearest('lerning-rate', ['learning-rate', 'ratio'])).toBe('learning-rate');
  expect(nearest('xyzzy', ['epochs', 'depth'])).toBeUndefined();
  // Of optimal string alignment, by hand.
  expect(['', 'a', 'ab', 'ca', 'kitten'].map((text) => editDistance(text, 'abc'))).toEqual([3, 2, 1, 3, 6]);
  expect(editDistance('tset', 'test')).toBe(1);
});
