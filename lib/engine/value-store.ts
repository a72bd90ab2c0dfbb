/** The values of one run, disposed of as soon as nobody will read them again. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Layout } from '../ops/operator.js';

/** A tensor and how its axes lie. */
export interface Laid {
  tensor: tfjs.Tensor;
  layout: Layout;
}

/** The values of one run by name and form. Several names may hold one tensor: it goes with the last of them. */
export class ValueStore {
  readonly #values = new Map<string, Laid>();
  readonly #formed = new Map<string, Map<string, tfjs.Tensor>>();
  readonly #holders = new Map<number, number>();
  readonly #borrowed = new Set<number>();
  readonly #uses: Map<string, number> | undefined;

  /** @param uses how often each value will be read; without it, nothing is disposed of. */
  constructor(uses?: Map<string, number>) {
    this.#uses = uses;
  }

  get releases(): boolean {
    return this.#uses !== undefined;
  }

  /** Marks a tensor that belongs to somebody else. */
  borrow(id: number): void {
    this.#borrowed.add(id);
  }

  isBorrowed(id: number): boolean {
    return this.#borrowed.has(id);
  }

  get(name: string): Laid | undefined {
    return this.#values.get(name);
  }

  set(name: string, tensor: tfjs.Tensor, layout: Layout): void {
    this.#values.set(name, { tensor, layout });
    this.#hold(tensor);
    if (this.#uses && !this.#uses.has(name)) this.#drop(name);
  }

  getFormed(name: string, key: string): tfjs.Tensor | undefined {
    return this.#formed.get(name)?.get(key);
  }

  setFormed(name: string, key: string, tensor: tfjs.Tensor): tfjs.Tensor {
    const byKey = this.#formed.get(name) ?? new Map<string, tfjs.Tensor>();
    this.#formed.set(name, byKey.set(key, tensor));
    this.#hold(tensor);
    return tensor;
  }

  /** Counts one reading of each of `names`. */
  release(names: readonly string[]): void {
    if (!this.#uses) return;
    for (const name of names) {
      const left = (this.#uses.get(name) ?? 0) - 1;
      this.#uses.set(name, left);
      if (left === 0) this.#drop(name);
    }
  }

  #hold(tensor: tfjs.Tensor): void {
    this.#holders.set(tensor.id, (this.#holders.get(tensor.id) ?? 0) + 1);
  }

  #drop(name: string): void {
    const value = this.#values.get(name);
    const tensors = [...(value ? [value.tensor] : []), ...(this.#formed.get(name)?.values() ?? [])];
    this.#values.delete(name);
    this.#formed.delete(name);
    for (const tensor of tensors) {
      const holders = (this.#holders.get(tensor.id) ?? 1) - 1;
      this.#holders.set(tensor.id, holders);
      if (holders === 0 && !this.#borrowed.has(tensor.id)) tensor.dispose();
    }
  }
}
