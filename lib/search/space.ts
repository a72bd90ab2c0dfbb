/**
 * Spaces of configurations: real, integer, listed and categorical dimensions, on a linear or logarithmic scale, some of
 * them there only for certain values of others.
 *
 * Three views of one configuration: a *point* (names and values, without the dimensions that do not apply), a *unit
 * vector* (a coordinate in [0, 1) for every dimension, as quasi-random sequences give it), and *features* (what a
 * Gaussian process sees: scaled numbers, one-hot categories, a neutral value where a dimension does not apply).
 */

import { TascnetError } from '../errors.js';

export type Value = number | string;

/** The dimension applies when `dimension`, which stands before it, applies and has one of these values. */
export interface Condition {
  dimension: string;
  in: readonly Value[];
}

export type Dimension = { name: string; when?: Condition } & (
  | { kind: 'real'; low: number; high: number; log?: boolean }
  /** `low` and `high` are included. */
  | { kind: 'integer'; low: number; high: number; log?: boolean }
  /** Listed numbers in ascending order; neighbours count as equally far apart. */
  | { kind: 'ordinal'; values: readonly number[] }
  | { kind: 'categorical'; values: readonly string[] }
);

export type Space = readonly Dimension[];

/** A value for every dimension that applies, in the order of the space. */
export type Point = Readonly<Record<string, Value>>;

/** @throws TascnetError naming the dimension that makes no sense. */
export function checkSpace(space: Space): void {
  const seen = new Set<string>();
  for (const dimension of space) {
    const wrong = problemOf(dimension, seen);
    if (wrong) throw new TascnetError(`Dimension "${dimension.name}" of the search space ${wrong}.`);
    seen.add(dimension.name);
  }
}

function problemOf(dimension: Dimension, before: ReadonlySet<string>): string | undefined {
  if (before.has(dimension.name)) return 'is there twice';
  if (dimension.when && !before.has(dimension.when.dimension))
    return `depends on "${dimension.when.dimension}", which does not stand before it`;
  if (dimension.kind === 'categorical' || dimension.kind === 'ordinal') {
    if (dimension.values.length === 0) return 'has no values';
    if (new Set<Value>(dimension.values).size < dimension.values.length) return 'lists a value twice';
    const { values } = dimension;
    const ascends = values.every((value, index) => index === 0 || value > (values[index - 1] ?? value));
    return dimension.kind === 'ordinal' && !ascends ? 'does not list its values in ascending order' : undefined;
  }
  const { low, high, log = false, kind } = dimension;
  if (!Number.isFinite(low) || !Number.isFinite(high) || low > high) return `goes from ${low} to ${high}`;
  if (kind === 'integer' && !(Number.isInteger(low) && Number.isInteger(high)))
    return 'has bounds that are not integers';
  return log && low <= 0 ? `is logarithmic, but starts at ${low}` : undefined;
}

/** How many values a dimension has; infinity for a real one. */
export function levelsOf(dimension: Dimension): number {
  switch (dimension.kind) {
    case 'real':
      return dimension.low === dimension.high ? 1 : Number.POSITIVE_INFINITY;
    case 'integer':
      return dimension.high - dimension.low + 1;
    default:
      return dimension.values.length;
  }
}

/** The position of `value` on the way from `low` to `high`, and back; either on the dimension's scale. */
function positionOf(value: number, low: number, high: number, log: boolean): number {
  if (low === high) return 0.5;
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

function atPosition(position: number, low: number, high: number, log: boolean): number {
  return log ? low * (high / low) ** position : low + position * (high - low);
}

/** The value of a dimension at a coordinate. */
export function valueAt(dimension: Dimension, coordinate: number): Value {
  if (dimension.kind === 'categorical' || dimension.kind === 'ordinal') {
    const index = Math.min(dimension.values.length - 1, Math.floor(coordinate * dimension.values.length));
    return dimension.values[Math.max(0, index)] ?? 0;
  }
  const { low, high, log = false } = dimension;
  if (dimension.kind === 'real') return atPosition(coordinate, low, high, log);
  // Half a step more on both sides gives the outermost integers their full share.
  const value = Math.round(atPosition(coordinate, low - 0.5, high + 0.5, log));
  return Math.min(high, Math.max(low, value));
}

/** The coordinate in the middle of those at which a dimension has `value`. */
export function coordinateOf(dimension: Dimension, value: Value): number {
  if (dimension.kind === 'categorical' || dimension.kind === 'ordinal') {
    const index = (dimension.values as readonly Value[]).indexOf(value);
    if (index < 0) throw new TascnetError(`Dimension "${dimension.name}" has no value ${JSON.stringify(value)}.`);
    return (index + 0.5) / dimension.values.length;
  }
  const { low, high, log = false } = dimension;
  const inRange = typeof value === 'number' && value >= low && value <= high;
  if (!inRange || (dimension.kind === 'integer' && !Number.isInteger(value)))
    throw new TascnetError(`Dimension "${dimension.name}" has no value ${JSON.stringify(value)}.`);
  return dimension.kind === 'real' ? positionOf(value, low, high, log) : positionOf(value, low - 0.5, high + 0.5, log);
}

function applies(dimension: Dimension, point: Point): boolean {
  if (!dimension.when) return true;
  const value = point[dimension.when.dimension];
  return value !== undefined && dimension.when.in.includes(value);
}

/** The point at a unit vector. */
export function pointAt(space: Space, unit: ArrayLike<number>): Point {
  const point: Record<string, Value> = {};
  space.forEach((dimension, index) => {
    if (applies(dimension, point)) point[dimension.name] = valueAt(dimension, unit[index] ?? 0);
  });
  return point;
}

/** A unit vector of a point. @throws TascnetError when the point is not one of the space. */
export function unitOf(space: Space, point: Point): Float64Array {
  const names = new Set(space.filter((dimension) => applies(dimension, point)).map(({ name }) => name));
  for (const name of Object.keys(point))
    if (!names.has(name)) throw new TascnetError(`The search space has no dimension "${name}" for this point.`);
  return Float64Array.from(space, (dimension) => {
    if (!names.has(dimension.name)) return 0.5;
    const value = point[dimension.name];
    if (value === undefined) throw new TascnetError(`The point lacks a value for "${dimension.name}".`);
    return coordinateOf(dimension, value);
  });
}

/** Equal for equal points of one space. */
export function keyOfPoint(space: Space, point: Point): string {
  return JSON.stringify(space.map(({ name }) => point[name] ?? null));
}

/** Two categories are as far apart as the two ends of a number's range. */
const ONE_HOT = Math.SQRT1_2;

/** What a Gaussian process sees of the point at a unit vector. */
export function featuresAt(space: Space, unit: ArrayLike<number>): Float64Array {
  const point = pointAt(space, unit);
  return Float64Array.from(
    space.flatMap((dimension): number[] => {
      const value = point[dimension.name];
      switch (dimension.kind) {
        case 'categorical':
          return dimension.values.map((category) =>
            value === undefined ? ONE_HOT / dimension.values.length : category === value ? ONE_HOT : 0,
          );
        case 'ordinal':
          if (typeof value !== 'number' || dimension.values.length === 1) return [0.5];
          return [dimension.values.indexOf(value) / (dimension.values.length - 1)];
        default:
          if (typeof value !== 'number') return [0.5];
          return [positionOf(value, dimension.low, dimension.high, dimension.log ?? false)];
      }
    }),
  );
}

/** The number of the dimension that each feature comes from: those of one category share a length scale. */
export function featureDimensions(space: Space): Int32Array {
  return Int32Array.from(
    space.flatMap((dimension, index) =>
      dimension.kind === 'categorical' ? dimension.values.map(() => index) : [index],
    ),
  );
}

/** Unit vectors of all points, where there are no more than `limit` of them; undefined otherwise. */
export function enumerate(space: Space, limit: number): Float64Array[] | undefined {
  let points: Point[] = [{}];
  for (const dimension of space) {
    const levels = levelsOf(dimension);
    if (levels > limit) return undefined;
    points = points.flatMap((point) => {
      if (!applies(dimension, point)) return [point];
      return Array.from({ length: levels }, (_, level) => ({
        ...point,
        [dimension.name]: valueAtLevel(dimension, level),
      }));
    });
    if (points.length > limit) return undefined;
  }
  return points.map((point) => unitOf(space, point));
}

/** Value number `level` of a dimension that is not real. */
export function valueAtLevel(dimension: Dimension, level: number): Value {
  return dimension.kind === 'integer' || dimension.kind === 'real'
    ? dimension.low + level
    : (dimension.values[level] ?? 0);
}
