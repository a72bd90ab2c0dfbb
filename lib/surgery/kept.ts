/** Which elements of every axis are still there after several removals, in terms of the graph before the first. */

/**
 * @param before what earlier removals kept, by axis (`keyOf`); an axis that is not listed is whole.
 * @param next what one more removal kept, in terms of the graph that the earlier ones left.
 */
export function composeKept(
  before: ReadonlyMap<string, Int32Array>,
  next: ReadonlyMap<string, Int32Array>,
): Map<string, Int32Array> {
  const kept = new Map(before);
  for (const [axis, elements] of next) {
    const earlier = before.get(axis);
    kept.set(axis, earlier ? elements.map((element) => earlier[element] ?? element) : elements);
  }
  return kept;
}
