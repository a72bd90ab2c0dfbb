/** What a command of the command line is: what it says of itself, and what it does, loaded when it is called. */

import type { Command } from '../config/option.js';
import type { Source } from '../config/resolve.js';
import type { ExitCode } from '../errors.js';
import type { RunEvent } from '../run/hooks.js';
import type { Output } from './output.js';

export interface Context<S> {
  settings: S;
  /** Where each setting comes from. */
  sources: Readonly<Record<string, Source>>;
  /** Positional arguments by name. */
  positionals: Readonly<Record<string, string | undefined>>;
  output: Output;
  /** Shows progress on stderr. */
  onEvent: (event: RunEvent) => void;
  /** Fires at the first Ctrl-C. */
  signal: AbortSignal;
}

/** A command's work; gives the exit code. The settings are those of its own options. */
export type Action<S> = (context: Context<S>) => Promise<ExitCode>;

export interface CommandEntry {
  name: Command;
  /** The positional arguments as yargs writes them: `<model>` is required, `[other]` is not. */
  positionals: string;
  describe: string;
  /** For each positional argument. */
  about: Record<string, string>;
  examples: [command: string, explanation: string][];
  load: () => Promise<{ action: Action<never> }>;
}
