/** Every option of training and pruning arrives where the work is done. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Command, Option } from '../../lib/config/option.js';
import { optionsOf, resolve } from '../../lib/config/resolve.js';
import { pruneSettings, searchSettings, teacherSettings, trainable } from '../../lib/run/asked.js';

const folder = mkdtempSync(join(tmpdir(), 'tascnet-asked-'));
const model = join(folder, 'model.onnx');
writeFileSync(model, '');

type Trained = 'finetune' | 'prune' | 'search' | 'run';

function settingsFor(command: Trained, given: Record<string, unknown>): string {
  const commandLine = { model, data: folder, ...given };
  const options = { commandLine, environment: {}, directory: null };
  const prune = (settings: Parameters<typeof pruneSettings>[0]) => ({
    ...pruneSettings(settings),
    criterion: settings.criterion,
  });
  switch (command) {
    case 'finetune': {
      const { settings } = resolve(command, options);
      return JSON.stringify({ ...trainable(command, settings), ...teacherSettings(settings) });
    }
    case 'prune': {
      const { settings } = resolve(command, options);
      return JSON.stringify({ ...trainable(command, settings), ...prune(settings) });
    }
    case 'search': {
      const { settings } = resolve(command, options);
      return JSON.stringify({ ...trainable(command, settings), ...searchSettings(settings) });
    }
    case 'run': {
      const { settings } = resolve(command, options);
      return JSON.stringify({ ...trainable(command, settings), ...searchSettings(settings), ...prune(settings) });
    }
  }
}

/** A value that the option takes and that is not its default. */
function another({ kind, choices, fallback, schema }: Option & { fallback: unknown }): unknown {
  if (kind === 'flag') return !fallback;
  if (choices && kind === 'text') return choices.find((choice) => choice !== fallback);
  const candidates = ['0.25', '3', '24', '5ms', 'a=0.5', 'torchvision'];
  return candidates.find((candidate) => {
    const value =
      kind === 'list'
        ? [candidate]
        : kind === 'number' || kind === 'milliseconds'
          ? Number.parseFloat(candidate)
          : candidate;
    return schema.safeParse(value).success && value !== fallback;
  });
}

const GROUPS = ['Training', 'Images', 'Pruning'];
/** They say which work is done, not how. */
const WHAT = ['dryRun', 'finetune', 'measure'];

test.each(['finetune', 'prune', 'search', 'run'] as const)('%s', (command: Trained & Command) => {
  const options = optionsOf(command).filter(([key, { group }]) => GROUPS.includes(group) && !WHAT.includes(key));
  expect(options.length).toBeGreaterThan(15);
  const before = settingsFor(command, {});
  const lost = options.flatMap(([key, option]) =>
    settingsFor(command, { [key]: another(option) }) === before ? [key] : [],
  );
  expect(lost).toEqual([]);
});
