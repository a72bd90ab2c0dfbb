/** Climbing on a surface over a mixed space: by gradient along the real dimensions, value by value along the others. */

import { minimize } from './lbfgs.js';
import {
  coordinateOf,
  type Dimension,
  featuresAt,
  levelsOf,
  type Space,
  type Value,
  valueAt,
  valueAtLevel,
} from './space.js';

export interface Surface {
  height(features: Float64Array): number;
  /** The height and its derivatives by the features. */
  slope(features: Float64Array): { value: number; gradient: Float64Array };
}

const ROUNDS = 4;
/** Dimensions of no more values than this are tried value by value; longer ones in steps that double. */
const FEW_VALUES = 16;
const EVALUATIONS = 25;

/** The top of the hill on whose slope `start` lies, and its height. */
export function climb(space: Space, start: Float64Array, surface: Surface): { unit: Float64Array; value: number } {
  let unit = start;
  let value = surface.height(featuresAt(space, unit));
  for (let round = 0; round < ROUNDS; round++) {
    const before = value;
    ({ unit, value } = climbReal(space, unit, surface));
    for (const [index, dimension] of space.entries()) {
      if (dimension.kind === 'real') continue;
      for (const other of neighbours(dimension, valueAt(dimension, unit[index] ?? 0))) {
        const moved = unit.with(index, coordinateOf(dimension, other));
        const there = surface.height(featuresAt(space, moved));
        if (there > value) {
          unit = moved;
          value = there;
        }
      }
    }
    if (value <= before + 1e-6 || space.every(({ kind }) => kind === 'real')) break;
  }
  return { unit, value };
}

function climbReal(space: Space, start: Float64Array, surface: Surface): { unit: Float64Array; value: number } {
  const real: { coordinate: number; feature: number }[] = [];
  let feature = 0;
  for (const [coordinate, dimension] of space.entries()) {
    if (dimension.kind === 'real' && dimension.low < dimension.high) real.push({ coordinate, feature });
    feature += dimension.kind === 'categorical' ? dimension.values.length : 1;
  }
  const unitWith = (x: ArrayLike<number>) => {
    const unit = start.slice();
    real.forEach(({ coordinate }, index) => {
      unit[coordinate] = x[index] ?? 0;
    });
    return unit;
  };
  const found = minimize(
    (x) => {
      const { value, gradient } = surface.slope(featuresAt(space, unitWith(x)));
      return { value: -value, gradient: Float64Array.from(real, (one) => -(gradient[one.feature] ?? 0)) };
    },
    real.map(({ coordinate }) => start[coordinate] ?? 0),
    { lower: real.map(() => 0), upper: real.map(() => 1), maxEvaluations: real.length > 0 ? EVALUATIONS : 1 },
  );
  return { unit: unitWith(found.x), value: -found.value };
}

function neighbours(dimension: Dimension, value: Value): Value[] {
  const levels = levelsOf(dimension);
  const all = (count: number) => Array.from({ length: count }, (_, level) => valueAtLevel(dimension, level));
  if (levels <= FEW_VALUES || dimension.kind !== 'integer' || typeof value !== 'number')
    return all(Math.min(levels, 256)).filter((other) => other !== value);
  const steps: number[] = [];
  for (let step = 1; step < levels; step *= 2) steps.push(value - step, value + step);
  return steps.filter((other) => other >= dimension.low && other <= dimension.high);
}
