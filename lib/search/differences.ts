/** What of a configuration is not as the network was, for people to read. */

import type { TrialRecord } from './objective.js';
import { shortNames } from './short-names.js';
import type { Value } from './space.js';

type Trial = Pick<TrialRecord, 'trial' | 'depth' | 'configuration'>;

/**
 * A function that tells of a trial the choices at which it differs from the first one, `as it was` where there are none. What
 * only some trials are asked for (the neurons of a hidden layer) is always told.
 */
export function differencesFrom(trials: readonly Trial[]): (trial: Pick<Trial, 'configuration'>) => string {
  const start = new Map<string, Value>();
  const seen = new Set<number>();
  for (const { depth, configuration } of [...trials].sort((a, b) => a.trial - b.trial)) {
    // A depth begins with what it adds as it was.
    if (seen.has(depth)) continue;
    seen.add(depth);
    for (const [name, value] of Object.entries(configuration)) if (!start.has(name)) start.set(name, value);
  }
  const shorter = shortNames(trials.flatMap(({ configuration }) => Object.keys(configuration)));
  return ({ configuration }) => {
    const changed = Object.entries(configuration).filter(([name, value]) => start.get(name) !== value);
    return changed.length === 0
      ? 'as it was'
      : changed.map(([name, value]) => `${shorter.get(name) ?? name} ${value}`).join(', ');
  };
}
