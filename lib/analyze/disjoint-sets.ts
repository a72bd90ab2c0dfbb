/** Union-find with path halving; the smallest number represents a set, so that the result does not depend on order. */
export class DisjointSets {
  readonly #parent: Int32Array;

  constructor(size: number) {
    this.#parent = new Int32Array(size);
    for (let element = 0; element < size; element++) this.#parent[element] = element;
  }

  find(element: number): number {
    const parent = this.#parent;
    let at = element;
    for (let up = parent[at] ?? at; up !== at; up = parent[at] ?? at) {
      const grand = parent[up] ?? up;
      parent[at] = grand;
      at = grand;
    }
    return at;
  }

  unite(a: number, b: number): void {
    const rootA = this.find(a);
    const rootB = this.find(b);
    if (rootA < rootB) this.#parent[rootB] = rootA;
    else this.#parent[rootA] = rootB;
  }

  /** The representative of each element. */
  classes(): Int32Array {
    const classes = new Int32Array(this.#parent.length);
    // A representative is the smallest of its set, so that what an element points to is settled before it.
    for (let element = 0; element < classes.length; element++) {
      const parent = this.#parent[element] ?? element;
      classes[element] = parent === element ? element : (classes[parent] ?? parent);
    }
    return classes;
  }
}
