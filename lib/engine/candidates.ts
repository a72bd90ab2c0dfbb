/** The tfjs-node packages that may serve as the engine, in the order in which they are tried. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { installationDirectory, PACKAGE_OF, type PackageName, packageWithin } from './places.js';

export interface Candidate {
  name: PackageName;
  /** `project`: found from this package's own location; `cache`: put there by `tascnet engine install`. */
  from: 'project' | 'cache';
  /** The directory with the package's package.json. */
  directory: string;
}

const require = createRequire(import.meta.url);

/** All that exist; whether they work is `probe`'s question. */
export function candidates(): Candidate[] {
  const found: Candidate[] = [];
  for (const name of [PACKAGE_OF.cuda, PACKAGE_OF.cpu]) {
    try {
      found.push({ name, from: 'project', directory: dirname(require.resolve(`${name}/package.json`)) });
    } catch {
      // Not installed: an optional dependency.
    }
  }
  for (const variant of ['cuda', 'cpu'] as const) {
    const directory = packageWithin(installationDirectory(variant), variant);
    if (existsSync(join(directory, 'package.json'))) {
      found.push({ name: PACKAGE_OF[variant], from: 'cache', directory });
    }
  }
  return found;
}
