/** What a command was asked to do: command line over environment over configuration file over preset over default. */

import type * as z from 'zod';
import { nearest } from '../errors/suggest.js';
import { ExitCode, TascnetError } from '../errors.js';
import { type ConfigFile, readConfigFile } from './file.js';
import type { Command, Option } from './option.js';
import { environmentName, OPTIONS, type OptionKey, optionName } from './options.js';
import { LEARNING_RATES, PRESETS, type Preset } from './presets.js';

type Table = typeof OPTIONS;
type ValueOf<O> = O extends { schema: z.ZodType<infer Value>; fallback: infer Fallback }
  ? Fallback extends undefined
    ? Value | undefined
    : Value
  : never;
type KeysOf<C extends Command> = {
  [K in OptionKey]: C extends Table[K]['commands'][number] ? K : never;
}[OptionKey];

/** The value of every option of a command; undefined where nothing was said and there is no default. */
export type Settings<C extends Command> = { [K in KeysOf<C>]: ValueOf<Table[K]> };

export type Source = 'command line' | 'environment' | 'file' | 'preset' | 'default';

export interface Resolved<C extends Command> {
  settings: Settings<C>;
  /** Where each value comes from. */
  sources: Record<string, Source>;
}

export interface Given {
  /** By key; texts, flags and lists as the parser gives them, absent where the person said nothing. */
  commandLine: Readonly<Record<string, unknown>>;
  environment?: NodeJS.ProcessEnv;
  /** Where `tascnet.config.json` is looked for; null: nowhere. */
  directory?: string | null;
}

/** The options of a command, in the table's order. */
export function optionsOf(command: Command): [OptionKey, Option & { fallback: unknown }][] {
  return Object.entries(OPTIONS).flatMap(([key, option]) =>
    (option.commands as readonly Command[]).includes(command)
      ? [[key as OptionKey, option as unknown as Option & { fallback: unknown }]]
      : [],
  );
}

/** @throws TascnetError (wrong usage) naming the option, where it was given, what came and what was expected. */
export function resolve<C extends Command>(command: C, given: Given): Resolved<C> {
  const { commandLine, environment = process.env, directory = process.cwd() } = given;
  checkKeys(commandLine);
  const configPath = typeof commandLine.config === 'string' ? commandLine.config : undefined;
  const file = readConfigFile(configPath, directory);
  const settings: Record<string, unknown> = {};
  const sources: Record<string, Source> = {};
  const options = optionsOf(command);
  for (const [key, option] of options) {
    const said = saidOf(key, option, commandLine, environment, file);
    if (!said) continue;
    settings[key] = checked(option, said);
    sources[key] = said.source;
  }
  const preset = PRESETS[(settings.preset as Preset | undefined) ?? 'default'];
  for (const [key, option] of options) {
    if (key in settings) continue;
    const inPreset = key in preset;
    settings[key] = inPreset ? preset[key] : option.fallback;
    sources[key] = inPreset ? 'preset' : 'default';
  }
  if ('optimizer' in settings) {
    settings.learningRate ??= LEARNING_RATES[settings.optimizer as keyof typeof LEARNING_RATES];
    if (command === 'run') settings.pruneLearningRate ??= settings.learningRate;
  }
  return { settings: settings as Settings<C>, sources };
}

/** A program may pass what the command line would have refused. */
function checkKeys(given: Given['commandLine']): void {
  const known = Object.keys(OPTIONS);
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const meant = nearest(unknown, known);
  throw new TascnetError(`Unknown option "${unknown}".`, {
    ...(meant === undefined ? {} : { hint: `Did you mean "${meant}"?` }),
    exitCode: ExitCode.usage,
  });
}

interface Said {
  value: unknown;
  source: Source;
  /** As the person wrote it: `--epochs`, `TASCNET_EPOCHS`, `"epochs" in tascnet.config.json`. */
  name: string;
}

function saidOf(
  key: string,
  option: Option,
  commandLine: Given['commandLine'],
  environment: NodeJS.ProcessEnv,
  file: ConfigFile | undefined,
): Said | undefined {
  if (commandLine[key] !== undefined) {
    return { value: ofText(commandLine[key], option), source: 'command line', name: `--${optionName(key)}` };
  }
  if (option.commandLineOnly) return undefined;
  const name = environmentName(key);
  const text = environment[name];
  if (text !== undefined && text !== '') return { value: ofText(text, option), source: 'environment', name };
  if (file && key in file.values) {
    return { value: file.values[key], source: 'file', name: `"${key}" in ${file.path}` };
  }
  return undefined;
}

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const FLAGS: Record<string, boolean> = { true: true, 1: true, yes: true, false: false, 0: false, no: false };

/** A text as a value of the option's kind; unchanged where it is none, so that the check can show it. */
function ofText(value: unknown, { kind }: Option): unknown {
  if (kind === 'list') {
    const texts = Array.isArray(value) ? value : [value];
    return texts.flatMap((text) => (typeof text === 'string' ? text.split(',').map((part) => part.trim()) : [text]));
  }
  if (typeof value !== 'string') return value;
  if (kind === 'number' && NUMBER.test(value.trim())) return Number(value);
  if (kind === 'milliseconds') return ofTime(value.trim());
  if (kind === 'flag') return FLAGS[value.trim().toLowerCase()] ?? value;
  return value;
}

function ofTime(text: string): unknown {
  const [, amount = '', unit] = /^(.*?)\s*(ms|s)?$/i.exec(text) ?? [];
  if (!NUMBER.test(amount)) return text;
  return Number(amount) * (unit?.toLowerCase() === 's' ? 1000 : 1);
}

function checked({ schema, expected }: Option, { value, name }: Said): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new TascnetError(`Expected ${expected} for ${name} but received ${JSON.stringify(value)}.`, {
    exitCode: ExitCode.usage,
  });
}

/** A value that a command cannot do without. @throws TascnetError (wrong usage) naming the option. */
export function required<T>(value: T | undefined, key: OptionKey, command: Command): T {
  if (value !== undefined) return value;
  const name = optionName(key);
  throw new TascnetError(`tascnet ${command} needs --${name} ${OPTIONS[key].placeholder ?? ''}`.trim().concat('.'), {
    hint: `See "tascnet ${command} --help".`,
    exitCode: ExitCode.usage,
  });
}
