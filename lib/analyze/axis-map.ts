import type { AxisRef } from '../ops/operator.js';

/** A map whose keys are axes of values, in the order in which they were set. */
export class AxisMap<T> {
  readonly #byValue = new Map<string, (T | undefined)[]>();
  readonly #entries: { at: AxisRef; entry: T }[] = [];

  get size(): number {
    return this.#entries.length;
  }

  get({ value, axis }: AxisRef): T | undefined {
    return this.#byValue.get(value)?.[axis];
  }

  /** What is there already, else what `make` makes. */
  getOrMake(at: AxisRef, make: () => T): T {
    let axes = this.#byValue.get(at.value);
    if (!axes) {
      axes = [];
      this.#byValue.set(at.value, axes);
    }
    const there = axes[at.axis];
    if (there !== undefined) return there;
    const entry = make();
    axes[at.axis] = entry;
    this.#entries.push({ at, entry });
    return entry;
  }

  values(): T[] {
    return this.#entries.map(({ entry }) => entry);
  }
}
