/** Work that goes on has the settings it began with: what a command line asks beyond that is not heeded, and said so. */

import { join } from 'node:path';
import { optionName } from '../config/options.js';
import { readRecord } from '../report/record.js';
import type { Context } from './command.js';

/** Warns of options that were given on the command line, but differ from those of the run in `folder`. */
export async function tellUnheeded(
  folder: string | undefined,
  { settings, sources, onEvent }: Pick<Context<object>, 'settings' | 'sources' | 'onEvent'>,
): Promise<void> {
  // That there is no run is told by the command itself.
  const began = folder && (await readRecord(join(folder, 'run.json')).catch(() => undefined))?.settings;
  if (!began) return;
  const given = new Map<string, unknown>(Object.entries(settings));
  const unheeded = Object.keys(sources).filter(
    (key) =>
      sources[key] === 'command line' && key in began && JSON.stringify(began[key]) !== JSON.stringify(given.get(key)),
  );
  if (unheeded.length === 0) return;
  const names = unheeded.map((key) => `--${optionName(key)}`).join(', ');
  const message = `Not heeded: ${names}. What is resumed goes on with the settings it began with.`;
  onEvent({ kind: 'warning', message });
}
