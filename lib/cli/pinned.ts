/** What could not be pruned, and why, as lines for a person. */

import { printable } from './output.js';

const NAMED = 8;

/** One line for each reason, with the first nodes that it holds for. */
export function pinnedLines(pinned: readonly { node: string; reason: string }[]): string[] {
  const nodes = new Map<string, string[]>();
  for (const { node, reason } of pinned) nodes.set(reason, [...(nodes.get(reason) ?? []), node]);
  return [...nodes].map(([reason, names]) => {
    const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
    return printable(`pinned: ${names.slice(0, NAMED).join(', ')}${more}: ${reason}`);
  });
}
