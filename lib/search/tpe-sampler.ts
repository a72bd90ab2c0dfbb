/**
 * The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl 2011): densities of the good and of the
 * other trials, dimension by dimension, and the candidate at which their ratio is largest.
 */

import { type RandomGenerator, randomGenerator } from '../graph/random.js';
import { distribution } from './normal.js';
import { quasiRandomSampler } from './random-sampler.js';
import { type Sampler, seenPoints, type Trial } from './sampler.js';
import { coordinateOf, type Dimension, keyOfPoint, levelsOf, type Point, pointAt, type Value } from './space.js';

const CANDIDATES = 64;
const PROPOSALS = 16;

interface Density {
  draw(random: RandomGenerator): number;
  log(coordinate: number): number;
}

export const tpeSampler: Sampler = (context) => {
  const { space, finished, pending, seed, number, startTrials } = context;
  const order = finished.toSorted((a, b) => rank(b) - rank(a) || a.number - b.number);
  if (finished.length + pending.length < startTrials || order.length < 2) return quasiRandomSampler(context);
  const random = randomGenerator(seed, 'tpe', number);
  const goodCount = Math.min(25, Math.ceil(0.1 * order.length));
  // Running trials count among the others, so that parallel ones spread.
  const good = order.slice(0, goodCount);
  const others = [...order.slice(goodCount), ...pending];
  const densities = space.map((dimension) => ({
    good: densityOf(dimension, valuesOf(dimension, good)),
    others: densityOf(dimension, valuesOf(dimension, others)),
  }));
  const seen = seenPoints(context);
  const scored = new Map<string, { point: Point; score: number }>();
  for (let index = 0; index < CANDIDATES; index++) {
    const unit = Float64Array.from(densities, (density) => density.good.draw(random));
    const point = pointAt(space, unit);
    const score = densities.reduce((sum, density, at) => {
      const coordinate = unit[at] ?? 0;
      const applies = point[space[at]?.name ?? ''] !== undefined;
      return applies ? sum + density.good.log(coordinate) - density.others.log(coordinate) : sum;
    }, 0);
    if (!seen(point)) scored.set(keyOfPoint(space, point), { point, score });
  }
  const best = [...scored.values()].sort((a, b) => b.score - a.score).slice(0, PROPOSALS);
  return best.length > 0 ? best.map(({ point }) => point) : quasiRandomSampler(context);
};

/** Failed trials rank last, those that break a constraint before them. */
function rank({ value, constraints }: Trial): number {
  if (value === undefined) return -1e300;
  const excess = (constraints ?? []).reduce((sum, one) => sum + Math.max(0, one), 0);
  return excess > 0 ? -1e200 * (1 + excess) : value;
}

function valuesOf(dimension: Dimension, trials: readonly Trial[]): Value[] {
  return trials.map(({ point }) => point[dimension.name]).filter((value) => value !== undefined);
}

/** A prior over the whole dimension, counting as one trial, and a kernel around each value. */
function densityOf(dimension: Dimension, values: readonly Value[]): Density {
  const centres = values.map((value) => coordinateOf(dimension, value));
  if (dimension.kind === 'categorical') {
    const levels = levelsOf(dimension);
    const weights = Float64Array.from({ length: levels }, () => 1 / levels);
    for (const centre of centres) {
      const level = Math.floor(centre * levels);
      weights[level] = (weights[level] ?? 0) + 1;
    }
    const total = 1 + centres.length;
    return {
      draw: (random) => {
        let left = random.next() * total;
        const level = weights.findIndex((weight) => {
          left -= weight;
          return left < 0;
        });
        return ((level < 0 ? levels - 1 : level) + 0.5) / levels;
      },
      log: (coordinate) => Math.log((weights[Math.floor(coordinate * levels)] ?? 0) / total),
    };
  }
  const sorted = centres.toSorted((a, b) => a - b);
  const kernels = sorted.map((centre, index) => {
    const toLast = centre - (sorted[index - 1] ?? (index === sorted.length - 1 ? 0 : centre));
    const toNext = (sorted[index + 1] ?? (index === 0 ? 1 : centre)) - centre;
    const width = Math.max(1 / Math.min(100, 2 + sorted.length), toLast, toNext);
    return { centre, width, mass: distribution((1 - centre) / width) - distribution(-centre / width) };
  });
  return {
    draw: (random) => {
      const kernel = kernels[random.int(kernels.length + 1)];
      if (!kernel) return random.next();
      for (;;) {
        const coordinate = kernel.centre + kernel.width * random.normal();
        if (coordinate >= 0 && coordinate < 1) return coordinate;
      }
    },
    log: (coordinate) => {
      const sum = kernels.reduce((total, { centre, width, mass }) => {
        const z = (coordinate - centre) / width;
        return total + Math.exp(-0.5 * z * z) / (width * Math.sqrt(2 * Math.PI) * mass);
      }, 1);
      return Math.log(sum / (kernels.length + 1));
    },
  };
}
