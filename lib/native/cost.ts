/** The cost of many channel configurations of one network. */

import { binding, type Handle } from './binding.js';
import { type CallOptions, call } from './call.js';
import {
  describe,
  requireArray,
  requireChoice,
  requireFinite,
  requireIndex,
  requireInteger,
  requireObject,
} from './check.js';

/** constant + Σ multiplicity · channels of a group: the extent of an axis, which may join several groups (Concat). */
export interface AffineForm {
  /** 0 when left out. */
  constant?: number | undefined;
  channels?: readonly (readonly [group: number, multiplicity: number])[] | undefined;
}

/** coefficient · Π factors. */
export interface NativeCostTerm {
  /** The name of a kind. */
  kind: string;
  coefficient: number;
  factors: readonly AffineForm[];
  /**
   * In a `peak`: terms with the same step are added up before the maximum is taken (tensors alive at the same time).
   * A term without one is a step of its own. No meaning in a `sum`.
   */
  step?: number | undefined;
}

export interface CostKind {
  name: string;
  /** `sum`: of all terms (MACs, parameters). `peak`: the largest step (activation bytes). */
  reduce: 'sum' | 'peak';
}

/** The cost of a network whose channel counts are free. */
export interface CostTerms {
  /** How many numbers make a configuration. */
  groups: number;
  kinds: readonly CostKind[];
  terms: readonly NativeCostTerm[];
}

/** Made by `compileCost`; holds the terms as flat arrays. */
export class CompiledCost {
  readonly #handle: Handle;
  readonly groups: number;
  /** The names of the kinds, in the order of the results. */
  readonly kinds: readonly string[];

  /** @internal */
  constructor(handle: Handle, groups: number, kinds: readonly string[]) {
    this.#handle = handle;
    this.groups = groups;
    this.kinds = kinds;
  }

  /**
   * The costs of `count` configurations, exact while every product and sum is below 2⁵³.
   *
   * @param configurations count × groups, row-major: the channels of every group, at least 0. Without groups it is empty
   * and stands for one configuration.
   * @returns count × kinds, row-major
   * @throws RangeError naming the index of a negative number of channels
   */
  evaluate(configurations: Int32Array, options?: CallOptions): Promise<Float64Array> {
    return call(options, (token) => binding().costEvaluate(this.#handle, configurations, token));
  }
}

/** Every distinct form once, as flat arrays. */
class Forms {
  readonly constant: number[] = [];
  readonly start: number[] = [0];
  readonly group: number[] = [];
  readonly multiplicity: number[] = [];
  readonly #known = new Map<string, number>();

  indexOf(form: AffineForm): number {
    const channels = form.channels ?? [];
    const key = `${form.constant ?? 0} ${channels.map(([group, multiplicity]) => `${group}:${multiplicity}`).join(' ')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const index = this.constant.push(form.constant ?? 0) - 1;
    for (const [group, multiplicity] of channels) {
      this.group.push(group);
      this.multiplicity.push(multiplicity);
    }
    this.start.push(this.group.length);
    this.#known.set(key, index);
    return index;
  }
}

/** Terms that are added up: all of a sum's, one step's of a peak. */
function stepsOf(kind: CostKind, terms: readonly NativeCostTerm[]): NativeCostTerm[][] {
  if (kind.reduce === 'sum') return [[...terms]];
  const alone = terms.filter((term) => term.step === undefined).map((term) => [term]);
  const shared = new Map<number, NativeCostTerm[]>();
  for (const term of terms) {
    if (term.step === undefined) continue;
    const step = shared.get(term.step);
    if (step === undefined) shared.set(term.step, [term]);
    else step.push(term);
  }
  return [...alone, ...shared.values()];
}

function checkForm(form: unknown, name: string, groups: number): asserts form is AffineForm {
  requireObject(form, name);
  const { constant, channels } = form as { constant?: unknown; channels?: unknown };
  if (constant !== undefined) requireFinite(constant, `${name}.constant`);
  if (channels === undefined) return;
  requireArray(channels, `${name}.channels`);
  for (const [i, pair] of channels.entries()) {
    requireArray(pair, `${name}.channels[${i}]`);
    requireIndex(pair[0], `${name}.channels[${i}][0]`, groups);
    requireFinite(pair[1], `${name}.channels[${i}][1]`);
  }
}

function checkTerm(term: unknown, name: string, groups: number, kinds: readonly string[]): void {
  requireObject(term, name);
  const { kind, coefficient, factors, step } = term as { [key in keyof NativeCostTerm]?: unknown };
  requireChoice(kind, `${name}.kind`, kinds);
  requireFinite(coefficient, `${name}.coefficient`);
  requireArray(factors, `${name}.factors`);
  for (const [f, form] of factors.entries()) checkForm(form, `${name}.factors[${f}]`, groups);
  if (step !== undefined) requireFinite(step, `${name}.step`);
}

/** Checks everything but the number of groups, which C++ does. Returns the names of the kinds. */
function check(cost: unknown): string[] {
  requireObject(cost, 'cost');
  const { groups, kinds, terms } = cost as { groups?: unknown; kinds?: unknown; terms?: unknown };
  requireFinite(groups, 'groups');
  requireArray(kinds, 'kinds');
  const names: string[] = [];
  for (const [k, kind] of kinds.entries()) {
    requireObject(kind, `kinds[${k}]`);
    const { name, reduce } = kind as { name?: unknown; reduce?: unknown };
    if (typeof name !== 'string')
      throw new TypeError(`Expected a string for kinds[${k}].name but received ${describe(name)}`);
    if (names.includes(name))
      throw new RangeError(`Expected every kind once for kinds[${k}].name but received ${describe(name)} again`);
    requireChoice(reduce, `kinds[${k}].reduce`, ['sum', 'peak']);
    names.push(name);
  }
  requireArray(terms, 'terms');
  for (const [t, term] of terms.entries()) checkTerm(term, `terms[${t}]`, groups, names);
  return names;
}

/**
 * Compiles the cost of a network whose channel counts are free, for `evaluate`. A Conv's MACs are one term: coefficient
 * kh · kw · Hout · Wout, factors its output channels and its input channels per group.
 *
 * @throws TypeError, RangeError naming the wrong part
 */
export function compileCost(cost: CostTerms): CompiledCost {
  const names = check(cost);
  const forms = new Forms();
  const coefficient: number[] = [];
  const termStart = [0];
  const termForm: number[] = [];
  const stepStart = [0];
  const stepKind: number[] = [];
  for (const [k, kind] of cost.kinds.entries()) {
    for (const step of stepsOf(
      kind,
      cost.terms.filter((term) => term.kind === kind.name),
    )) {
      for (const term of step) {
        let product = term.coefficient;
        for (const factor of term.factors) {
          // A factor without channels is part of the coefficient.
          if ((factor.channels ?? []).length === 0) product *= factor.constant ?? 0;
          else termForm.push(forms.indexOf(factor));
        }
        coefficient.push(product);
        termStart.push(termForm.length);
      }
      stepKind.push(k);
      stepStart.push(coefficient.length);
    }
  }
  const handle = binding().costCompile({
    groups: cost.groups,
    kinds: names.length,
    formConstant: Float64Array.from(forms.constant),
    formStart: Int32Array.from(forms.start),
    formGroup: Int32Array.from(forms.group),
    formMultiplicity: Float64Array.from(forms.multiplicity),
    termCoefficient: Float64Array.from(coefficient),
    termStart: Int32Array.from(termStart),
    termForm: Int32Array.from(termForm),
    stepStart: Int32Array.from(stepStart),
    stepKind: Int32Array.from(stepKind),
  });
  return new CompiledCost(handle, cost.groups, names);
}

/**
 * The cost of one configuration, by the names of the kinds: `compileCost` and `evaluate` in one, where a single answer is
 * wanted.
 *
 * @param channels of every group, integers of at least 0
 * @throws TypeError, RangeError naming the wrong part
 */
export async function countCost(
  cost: CostTerms,
  channels: ArrayLike<number>,
  options?: CallOptions,
): Promise<Record<string, number>> {
  const compiled = compileCost(cost);
  requireObject(channels, 'channels');
  requireInteger(channels.length, 'channels.length', compiled.groups, compiled.groups);
  for (let i = 0; i < channels.length; i++) requireInteger(channels[i], `channels[${i}]`, 0, 2 ** 31 - 1);
  const costs = await compiled.evaluate(Int32Array.from(channels), options);
  return Object.fromEntries(compiled.kinds.map((kind, k) => [kind, costs[k] ?? 0]));
}
