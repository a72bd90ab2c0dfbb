/**
 * The parser: yargs, told by the table of options, which is loaded when a command is named: `tascnet --help` does without.
 */

import yargs, { type Argv } from 'yargs';
import { nearest } from '../errors/suggest.js';
import { ExitCode, messageOf, TascnetError } from '../errors.js';
import { version } from '../run/version.js';
import type { CommandEntry } from './command.js';
import { COMMANDS } from './commands.js';

export interface Parsed {
  entry: CommandEntry;
  /** By option key; absent where nothing was said. */
  given: Record<string, unknown>;
  positionals: Record<string, string | undefined>;
}

/** With this first the shell asks yargs for completions. */
const COMPLETIONS = '--get-yargs-completions';

/**
 * Parses the arguments after `tascnet`.
 * @returns undefined when help, the version or a completion was printed.
 * @throws TascnetError (wrong usage) with a suggestion for what was mistyped.
 */
export async function parse(argv: readonly string[]): Promise<Parsed | undefined> {
  let parsed: Parsed | undefined;
  const parser = yargs([...argv])
    .scriptName('tascnet')
    .usage(
      '$0 COMMAND [options]\n\nFits a pre-trained CNN to your images or sentences, then makes it smaller and faster.',
    )
    .locale('en')
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'camel-case-expansion': true,
      'strip-dashed': true,
    })
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .strict()
    .demandCommand(1, 'Say what to do: a command is missing.')
    .version(version())
    .alias({ h: 'help' })
    .completion('completion', 'Print a script that completes commands and options in your shell.')
    .epilogue(
      'tascnet COMMAND --help lists the options of a command. Exit codes: 0 done, 1 failed, 2 wrong usage,\n3 done but a target was missed, 130 interrupted.',
    )
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Error(message);
    });
  for (const entry of COMMANDS) {
    parser.command(
      `${entry.name} ${entry.positionals}`.trim(),
      entry.describe,
      (command: Argv, helpAsked?: boolean) =>
        withOptions(command, entry, helpAsked === true || argv[0] === COMPLETIONS),
      async (values) => {
        parsed = await partsOf(entry, values);
      },
    );
  }
  try {
    await parser.parseAsync();
  } catch (error) {
    throw await wrongUsage(messageOf(error), argv);
  }
  return parsed;
}

async function table() {
  const [{ optionName }, { optionsOf }] = await Promise.all([
    import('../config/options.js'),
    import('../config/resolve.js'),
  ]);
  return { optionName, optionsOf };
}

/** @param listed the options will be shown. Else they are hidden: yargs renders the help even of a command that runs. */
async function withOptions(command: Argv, { name, about, examples }: CommandEntry, listed: boolean): Promise<Argv> {
  const { optionName, optionsOf } = await table();
  for (const [positional, describe] of Object.entries(about))
    command.positional(positional, { describe, type: 'string' });
  for (const [key, option] of optionsOf(name)) {
    const isFlag = option.kind === 'flag';
    const fallback = option.defaultText ?? defaultText(option.fallback);
    command.option(optionName(key), {
      describe: option.describe,
      hidden: !listed,
      group: `${option.group}:`,
      ...(isFlag ? { type: 'boolean' } : {}),
      ...(option.kind === 'list' ? { type: 'string', array: true, nargs: 1 } : {}),
      ...(option.choices ? { describe: `${option.describe} One of ${option.choices.join(', ')}.` } : {}),
      ...(!isFlag && option.implied === undefined ? { requiresArg: true } : {}),
      ...(fallback === undefined ? {} : { defaultDescription: fallback }),
    });
  }
  return command.example(examples);
}

function defaultText(fallback: unknown): string | undefined {
  if (fallback === undefined || fallback === false || (Array.isArray(fallback) && fallback.length === 0))
    return undefined;
  return String(fallback);
}

async function partsOf(entry: CommandEntry, values: Record<string, unknown>): Promise<Parsed> {
  const { optionsOf } = await table();
  const given: Record<string, unknown> = {};
  for (const [key, option] of optionsOf(entry.name)) {
    // An option without a value, where that means something, is an empty text to yargs.
    const value = values[key] === true && option.kind === 'text' ? option.implied : values[key];
    if (value !== undefined) given[key] = value;
  }
  const positionals = Object.keys(entry.about).map((name) => [name, values[name]?.toString()]);
  return { entry, given, positionals: Object.fromEntries(positionals) };
}

/** yargs' message, with what was probably meant. */
async function wrongUsage(message: string, argv: readonly string[]): Promise<TascnetError> {
  const { optionName, optionsOf } = await table();
  const named = COMMANDS.find(({ name }) => argv.includes(name));
  const usage = (text: string, hint?: string) =>
    new TascnetError(text, {
      hint: hint ?? (named ? `See "tascnet ${named.name} --help".` : 'See "tascnet --help".'),
      exitCode: ExitCode.usage,
    });
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(message)?.[1]?.split(', ');
  if (!unknown) {
    const valueless = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
    if (valueless) return usage(`--${optionName(valueless)} needs a value.`);
    if (named && message.startsWith('Not enough non-option arguments'))
      return usage(`tascnet ${named.name} needs ${named.positionals}.`);
    return usage(message.split('\n')[0] ?? message);
  }
  const [name = ''] = unknown;
  const written = argv.find((argument) => argument.replace(/^-+(no-)?/, '').split('=')[0] === optionName(name)) ?? name;
  if (!written.startsWith('-')) {
    if (named) return usage(`tascnet ${named.name} takes no argument "${written}".`);
    const meant = nearest(written, [...COMMANDS.map((entry) => entry.name), 'completion']);
    return usage(`Unknown command "${written}".`, meant && `Did you mean "tascnet ${meant}"?`);
  }
  const option = written.split('=')[0] ?? written;
  const elsewhere = COMMANDS.filter((entry) =>
    optionsOf(entry.name).some(([key]) => `--${optionName(key)}` === option),
  );
  if (named && elsewhere.length > 0) {
    return usage(
      `${option} is no option of tascnet ${named.name}, only of ${elsewhere.map((entry) => entry.name).join(', ')}.`,
    );
  }
  const known = named ? optionsOf(named.name).map(([key]) => optionName(key)) : [];
  const meant = nearest(option.replace(/^--(no-)?/, ''), [...known, 'help', 'version']);
  return usage(
    `Unknown option "${option}".`,
    meant && `Did you mean "${option.startsWith('--no-') ? '--no-' : '--'}${meant}"?`,
  );
}
