/** What a stranger's JSON holds, asked for by kind: each question gives a value of that kind or a clear error. */

import { TascnetError } from '../../errors.js';

export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON text as an object. `what` names it in the error: "config.json". */
export function parsedObject(text: string, what: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TascnetError(`${what} is not JSON, or it is truncated.`, { cause: error });
  }
  if (!isObject(value)) throw new TascnetError(`${what} should be a JSON object.`);
  if (depthOf(value) > MAX_DEPTH) throw new TascnetError(`${what} is nested too deeply.`);
  return value;
}

/** Models within models within models stay far below. */
const MAX_DEPTH = 500;

/** How many objects and lists are within each other; counted without recursion, which a stranger's file could exhaust. */
function depthOf(value: unknown): number {
  let level: unknown[] = [value];
  let depth = 0;
  while (level.length > 0 && depth <= MAX_DEPTH) {
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
    depth++;
  }
  return depth;
}

/** The own property of an object; JSON's `__proto__` and what every object inherits are not asked for. */
export function fieldOf(object: Json, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** An entry of one of our tables by a name that a file gives. */
export function entryOf<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** A layer as far as its errors and its settings need it. */
export interface Configured {
  name: string;
  className: string;
  config: Json;
}

export function refusal({ className, name }: Configured, problem: string, hint?: string): TascnetError {
  return new TascnetError(`${className} "${name}": ${problem}`, hint === undefined ? {} : { hint });
}

function settingOf(layer: Configured, key: string): unknown {
  return fieldOf(layer.config, key) ?? undefined;
}

function wrong(layer: Configured, key: string, expected: string): TascnetError {
  const given = JSON.stringify(settingOf(layer, key) ?? null);
  return refusal(
    layer,
    `its ${key} should be ${expected}, not ${given.length > 80 ? `${given.slice(0, 80)}…` : given}.`,
  );
}

export function textOf(layer: Configured, key: string, fallback: string): string {
  const value = settingOf(layer, key) ?? fallback;
  if (typeof value === 'string') return value;
  throw wrong(layer, key, 'text');
}

export function flagOf(layer: Configured, key: string, fallback: boolean): boolean {
  const value = settingOf(layer, key) ?? fallback;
  if (typeof value === 'boolean') return value;
  throw wrong(layer, key, 'true or false');
}

export function numberOf(layer: Configured, key: string, fallback: number): number {
  const value = settingOf(layer, key) ?? fallback;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw wrong(layer, key, 'a number');
}

/** Numbers: one, or a flat list of them. */
export function numbersOf(layer: Configured, key: string): number[] {
  const value = settingOf(layer, key);
  const list = Array.isArray(value) ? value : [value];
  if (list.every((each) => typeof each === 'number' && Number.isFinite(each))) return list;
  throw wrong(layer, key, 'a number or a list of numbers');
}

const LARGEST = 2 ** 31;

function isWhole(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(Number(value)) < LARGEST;
}

/** `count` whole numbers of at least `least`, of which one may stand for all. */
export function wholesOf(
  layer: Configured,
  key: string,
  count: number,
  { fallback, least = 1 }: { fallback?: number | number[] | undefined; least?: number } = {},
): number[] {
  const value = settingOf(layer, key) ?? fallback;
  const list = Array.isArray(value) ? value : new Array<unknown>(count).fill(value);
  if (list.length === count && list.every((each) => isWhole(each) && each >= least)) return list;
  throw wrong(
    layer,
    key,
    count === 1 ? `a whole number of at least ${least}` : `${count} whole numbers of at least ${least}`,
  );
}

export function wholeOf(layer: Configured, key: string, fallback?: number): number {
  return wholesOf(layer, key, 1, { fallback })[0] ?? 1;
}

/** A list of whole numbers of any sign; a single one is a list of one. */
export function axesOf(layer: Configured, key: string, fallback?: number[]): number[] {
  const value = settingOf(layer, key) ?? fallback;
  const list = Array.isArray(value) ? value : [value];
  if (list.every(isWhole)) return list;
  throw wrong(layer, key, 'a list of whole numbers');
}

/** What is taken away from or added to either end of `count` axes: a number, one for each axis, or two for each. */
export function bordersOf(layer: Configured, key: string, count: number): [number, number][] {
  const value = settingOf(layer, key) ?? 1;
  const border = (each: unknown): [number, number] => {
    const [before, after] = Array.isArray(each) && each.length === 2 ? each : [each, each];
    if (isWhole(before) && isWhole(after) && before >= 0 && after >= 0) return [before, after];
    throw wrong(layer, key, 'whole numbers, two for each axis');
  };
  if (!Array.isArray(value)) return new Array<unknown>(count).fill(value).map(border);
  if (count === 1) return [border(value.length === 1 ? value[0] : value)];
  if (value.length !== count) throw wrong(layer, key, `${count} pairs of whole numbers`);
  return value.map(border);
}
