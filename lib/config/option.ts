/** What is known of one option: how it is written, checked and explained. */

import * as z from 'zod';

export type Command = 'run' | 'finetune' | 'search' | 'prune' | 'inspect' | 'validate' | 'engine';

/** How a text of the command line or the environment becomes a value; a configuration file gives values. */
export type Kind = 'text' | 'number' | 'milliseconds' | 'flag' | 'list';

export interface Option<Value = unknown> {
  schema: z.ZodType<Value>;
  kind: Kind;
  /** What is accepted, to stand after "Expected". */
  expected: string;
  /** One sentence for `--help`. */
  describe: string;
  /** The heading under which `--help` lists it. */
  group: string;
  commands: readonly Command[];
  /** What `--help` puts in place of the value. */
  placeholder?: string;
  choices?: readonly string[];
  /** The default, in words, where it follows from other options. */
  defaultText?: string;
  /** Given without a value, it has this one. */
  implied?: Value;
  /** Not for configuration files and the environment. */
  commandLineOnly?: boolean;
}

/** What an option says of itself beyond its type. */
type Rest = Pick<Option, 'describe' | 'group'>;

/** An option of one type, for some commands; `fallback` is its default. */
function make<Value, const Commands extends readonly Command[], Fallback extends Value | undefined>(
  type: Pick<Option<Value>, 'schema' | 'kind' | 'expected' | 'placeholder' | 'choices'>,
  commands: Commands,
  rest: Rest & Partial<Option<Value>>,
  fallback: Fallback,
) {
  return { ...rest, ...type, ...(rest.placeholder ? { placeholder: rest.placeholder } : {}), commands, fallback };
}

type More<Value> = Rest & Partial<Pick<Option<Value>, 'placeholder' | 'defaultText' | 'implied' | 'commandLineOnly'>>;

/** A file, a folder or a name. */
export function text<const C extends readonly Command[]>(commands: C, rest: More<string>) {
  const type = { schema: z.string().min(1), kind: 'text', expected: 'a name', placeholder: 'NAME' } as const;
  return make<string, C, undefined>(type, commands, rest, undefined);
}

/** A text that may be left empty, as by an option without a value. */
export function optionalText<const C extends readonly Command[]>(commands: C, rest: More<string>) {
  const type = { schema: z.string(), kind: 'text', expected: 'a name', placeholder: 'NAME' } as const;
  return make<string, C, undefined>(type, commands, rest, undefined);
}

export interface Range {
  min: number;
  max?: number;
}

function numeric(range: Range, whole: boolean) {
  const bounded = (whole ? z.int() : z.number()).min(range.min);
  const schema = range.max === undefined ? bounded : bounded.max(range.max);
  const noun = whole ? 'a whole number' : 'a number';
  const bounds = range.max === undefined ? `of at least ${range.min}` : `from ${range.min} to ${range.max}`;
  return { schema, kind: 'number', expected: `${noun} ${bounds}`, placeholder: 'N' } as const;
}

export function whole<const C extends readonly Command[], const F extends number | undefined>(
  range: Range,
  commands: C,
  rest: More<number>,
  fallback: F,
) {
  return make<number, C, F>(numeric(range, true), commands, rest, fallback);
}

export function real<const C extends readonly Command[], const F extends number | undefined>(
  range: Range,
  commands: C,
  rest: More<number>,
  fallback: F,
) {
  return make<number, C, F>(numeric(range, false), commands, rest, fallback);
}

export function flag<const C extends readonly Command[], F extends boolean | undefined = boolean>(
  commands: C,
  rest: More<boolean>,
  fallback: F,
) {
  const type = { schema: z.boolean(), kind: 'flag', expected: 'true or false' } as const;
  return make<boolean, C, F>(type, commands, rest, fallback);
}

export function choice<
  const V extends readonly string[],
  const C extends readonly Command[],
  F extends V[number] | undefined,
>(values: V, commands: C, rest: More<V[number]>, fallback: F) {
  const schema: z.ZodType<V[number]> = z.enum(values);
  const expected = `one of ${values.join(', ')}`;
  return make<V[number], C, F>(
    { schema, kind: 'text', expected, placeholder: 'NAME', choices: values },
    commands,
    rest,
    fallback,
  );
}

/** May be given several times, or once with commas. */
export function list<const C extends readonly Command[]>(commands: C, rest: More<string[]>, fallback: string[]) {
  const schema = z.array(z.string().min(1));
  return make<string[], C, string[]>(
    { schema, kind: 'list', expected: 'names, separated by commas', placeholder: 'NAMES' },
    commands,
    rest,
    fallback,
  );
}

/** Some of these names, several times or once with commas; nothing said, nothing known. */
export function selection<const V extends readonly string[], const C extends readonly Command[]>(
  values: V,
  commands: C,
  rest: More<V[number][]>,
) {
  const schema: z.ZodType<V[number][]> = z.array(z.enum(values));
  const expected = `some of ${values.join(', ')}`;
  return make<V[number][], C, undefined>(
    { schema, kind: 'list', expected, placeholder: 'NAMES' },
    commands,
    rest,
    undefined,
  );
}

/** Whole numbers, given several times or once with commas. */
export function numbers<const C extends readonly Command[]>(range: Required<Range>, commands: C, rest: More<number[]>) {
  const schema = z.array(z.coerce.number().int().min(range.min).max(range.max));
  const expected = `whole numbers from ${range.min} to ${range.max}, separated by commas`;
  return make<number[], C, undefined>(
    { schema, kind: 'list', expected, placeholder: 'NUMBERS' },
    commands,
    rest,
    undefined,
  );
}

/** A time such as `5ms` or `0.02s`, in milliseconds; a configuration file gives the number. */
export function milliseconds<const C extends readonly Command[]>(commands: C, rest: More<number>) {
  const schema = z.number().positive();
  return make<number, C, undefined>(
    { schema, kind: 'milliseconds', expected: 'a time such as 5ms or 0.02s', placeholder: 'TIME' },
    commands,
    rest,
    undefined,
  );
}
