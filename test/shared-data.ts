/** Real models and images beside the project, which a fresh clone does not have. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from '@jest/globals';

const SHARED = fileURLToPath(new URL('../../shared/data/', import.meta.url));

/** The path of a file or folder of the shared data. */
export function sharedData(relative: string): string {
  return `${SHARED}${relative}`;
}

/** A test that needs the given shared file; without it, it is left out and says so. */
export function testWith(relative: string, name: string, body: (path: string) => Promise<void> | void): void {
  const path = sharedData(relative);
  const found = existsSync(path);
  if (!found) process.stderr.write(`skipped, as ../shared/data/${relative} is absent: ${name}\n`);
  (found ? test : test.skip)(name, () => body(path));
}
