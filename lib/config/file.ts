/** The configuration file: JSON with the options' names as keys, shared by all commands. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { nearest } from '../errors/suggest.js';
import { ExitCode, messageOf, TascnetError } from '../errors.js';
import { OPTIONS } from './options.js';

export const CONFIG_FILE = 'tascnet.config.json';

export interface ConfigFile {
  path: string;
  values: Record<string, unknown>;
}

/** Names that may stand in a file. */
const KEYS = Object.entries(OPTIONS).flatMap(([key, option]) =>
  'commandLineOnly' in option && option.commandLineOnly ? [] : [key],
);

/**
 * Reads `path`, or `tascnet.config.json` of `directory` (null: of none) when there is one. Values are checked where they are used.
 * @throws TascnetError when the file cannot be read, is no JSON object or has an unknown key.
 */
export function readConfigFile(path: string | undefined, directory: string | null): ConfigFile | undefined {
  const found = path ?? (directory === null ? undefined : join(directory, CONFIG_FILE));
  if (found === undefined || (path === undefined && !existsSync(found))) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(found, 'utf8'));
  } catch (error) {
    throw usage(`The configuration file ${found} cannot be read: ${messageOf(error)}.`);
  }
  const object = z.record(z.string(), z.unknown()).safeParse(parsed);
  if (!object.success) throw usage(`The configuration file ${found} should be a JSON object, such as {"epochs": 20}.`);
  const { $schema: _, ...values } = object.data;
  for (const key of Object.keys(Object(parsed))) {
    if (key === '$schema' || KEYS.includes(key)) continue;
    const meant = nearest(key, KEYS);
    throw usage(
      `The configuration file ${found} has an unknown key "${key}".`,
      meant ? `Did you mean "${meant}"?` : `Known keys: ${KEYS.join(', ')}.`,
    );
  }
  return { path: found, values };
}

/** The JSON Schema of the configuration file, for editors. */
export function configFileSchema(): Record<string, unknown> {
  const properties = Object.entries(OPTIONS)
    .filter(([key]) => KEYS.includes(key))
    .map(([key, option]) => {
      const { $schema: _, ...schema } = z.toJSONSchema(option.schema);
      const preset = option.fallback === undefined ? {} : { default: option.fallback };
      return [key, { ...schema, description: option.describe, ...preset }];
    });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'tascnet.config.json',
    type: 'object',
    additionalProperties: false,
    properties: { $schema: { type: 'string' }, ...Object.fromEntries(properties) },
  };
}

function usage(message: string, hint?: string): TascnetError {
  return new TascnetError(message, { ...(hint === undefined ? {} : { hint }), exitCode: ExitCode.usage });
}
