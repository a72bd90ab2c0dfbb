/** Names of choices for people to read: exporters of TensorFlow name a layer by the whole path to it, some twice over. */

/** For each name the shortest end of it, behind a `/`, that no other name ends in. */
export function shortNames(names: Iterable<string>): Map<string, string> {
  const all = [...new Set(names)];
  return new Map(
    all.map((name) => {
      const parts = name.split('/');
      for (let first = parts.length - 1; first > 0; first--) {
        const end = parts.slice(first).join('/');
        const unique = !all.some((other) => other !== name && (other === end || other.endsWith(`/${end}`)));
        if (end !== '' && unique) return [name, end];
      }
      return [name, name];
    }),
  );
}
