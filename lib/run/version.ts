import { readFileSync } from 'node:fs';

let known: string | undefined;

/** The version of this package. */
export function version(): string {
  if (known === undefined) {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    known = String((JSON.parse(text) as { version: unknown }).version);
  }
  return known;
}
