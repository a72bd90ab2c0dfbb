/** Union-find with path halving; the smallest number represents a set, so that the result does not depend on order. */
export class DisjointSets {
  /** How far below an element that is which it points to: 0 for a representative, so that new memory is right as it is. */
  readonly #below: Int32Array;

  constructor(size: number) {
    this.#below = new Int32Array(size);
  }

  find(element: number): number {
    const below = this.#below;
    let at = element;
    for (let down = below[at] ?? 0; down !== 0; down = below[at] ?? 0) {
      const twice = down + (below[at - down] ?? 0);
      below[at] = twice;
      at -= twice;
    }
    return at;
  }

  unite(a: number, b: number): void {
    const rootA = this.find(a);
    const rootB = this.find(b);
    if (rootA < rootB) this.#below[rootB] = rootB - rootA;
    else if (rootB < rootA) this.#below[rootA] = rootA - rootB;
  }
}
