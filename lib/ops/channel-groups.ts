/** Channels in groups (grouped convolution, group normalisation): whole groups can leave, or the same share of each. */

import type { SettledRelation, Span } from './operator.js';

/** The elements of `span`, those at equal places of the `groups` equal groups next to each other. */
export function acrossGroups({ value, axis, start, length }: Span, groups: number): Span {
  const inGroup = length / groups;
  const at = Int32Array.from({ length }, (_, index) => start + (index % groups) * inGroup + Math.floor(index / groups));
  return { value, axis, start, length, at };
}

/** Elements at equal places of the groups live and die together, and each such set with one element of `with`. */
export function tieWithinGroups(span: Span, groups: number, other: Span = acrossGroups(span, groups)): SettledRelation {
  return { kind: 'same', a: acrossGroups(span, groups), b: other, blocks: span.length / groups };
}

/** How many of `groups` equal groups of an axis of `extent` elements have some that stay. */
export function groupsLeft(kept: Int32Array | undefined, extent: number, groups: number): number {
  return kept ? new Set(Array.from(kept, (element) => Math.floor((element * groups) / extent))).size : groups;
}
