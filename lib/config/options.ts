/**
 * The table of options. The parser, `--help`, shell completion, the environment (`--batch-size` is TASCNET_BATCH_SIZE) and
 * the configuration file all come from it.
 */

import { FILE_OPTIONS } from './options/files.js';
import { MACHINE_OPTIONS } from './options/machine.js';
import { PRUNING_OPTIONS } from './options/pruning.js';
import { SEARCH_OPTIONS } from './options/search.js';
import { SELECTION_OPTIONS } from './options/selection.js';
import { SPACE_OPTIONS } from './options/space.js';
import { TEXT_OPTIONS } from './options/text.js';
import { TRAINING_OPTIONS } from './options/training.js';

export const OPTIONS = {
  ...FILE_OPTIONS,
  ...TRAINING_OPTIONS,
  ...TEXT_OPTIONS,
  ...SEARCH_OPTIONS,
  ...SPACE_OPTIONS,
  ...SELECTION_OPTIONS,
  ...PRUNING_OPTIONS,
  ...MACHINE_OPTIONS,
};

export type OptionKey = keyof typeof OPTIONS;

/** `batchSize` → `batch-size`. */
export function optionName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `batchSize` → `TASCNET_BATCH_SIZE`. */
export function environmentName(key: string): string {
  return `TASCNET_${optionName(key).replaceAll('-', '_').toUpperCase()}`;
}
