/**
 * Bayesian optimisation: a Gaussian process over what was found, and the points of largest expected improvement
 * (Snoek, Larochelle and Adams, "Practical Bayesian Optimization of Machine Learning Algorithms", 2012).
 */

import { type RandomGenerator, randomGenerator } from '../graph/random.js';
import { logExpectedImprovement, logFeasibility } from './acquisition.js';
import { condition, type GaussianProcess } from './gaussian-process.js';
import { haltonSequence } from './halton.js';
import { climb, type Surface } from './local-search.js';
import { fitHyperparameters } from './marginal-likelihood.js';
import { quasiRandomSampler } from './random-sampler.js';
import { type Sampler, type SamplerContext, seenPoints, type Trial, unseenPoints } from './sampler.js';
import { featureDimensions, featuresAt, keyOfPoint, type Point, pointAt, type Space, unitOf } from './space.js';

/** Fitting takes time that grows with the cube of the observations: beyond this many, a choice of them is fitted. */
const FIT_AT_MOST = 64;
const RESTARTS = 2;
const QUASI_RANDOM_CANDIDATES = 400;
/** Candidates near each of the best trials. */
const NEAR = { trials: 4, each: 40, spreads: [0.2, 0.05, 0.01] };
const CLIMBS = 6;
const PROPOSALS = 16;

/** Proposals by Gaussian process and expected improvement; quasi-random for the first `startTrials`. */
export const gaussianProcessSampler: Sampler = (context) => {
  const known = context.finished.filter((trial) => trial.value !== undefined);
  if (context.finished.length + context.pending.length < context.startTrials || known.length < 2)
    return quasiRandomSampler(context);
  const { space, seed, number } = context;
  const random = randomGenerator(seed, 'gp', number);
  const surface = surfaceOf(context, known, random.fork('fit'));
  const left = unseenPoints(context);
  if (left) return ranked(space, left, surface).map(({ unit }) => pointAt(space, unit));

  const seen = seenPoints(context);
  const candidates = ranked(space, candidatesOf(context, known, random.fork('candidates')), surface);
  const climbed = candidates.slice(0, CLIMBS).map(({ unit }) => climb(space, unit, surface));
  const all = [...climbed, ...candidates].sort((a, b) => b.value - a.value);
  const proposals = new Map<string, Point>();
  for (const { unit } of all) {
    const point = pointAt(space, unit);
    if (!seen(point)) proposals.set(keyOfPoint(space, point), point);
    if (proposals.size === PROPOSALS) break;
  }
  return proposals.size > 0 ? [...proposals.values()] : quasiRandomSampler(context);
};

/** The logarithm of the (constrained) expected improvement over the space. */
function surfaceOf(context: SamplerContext, known: readonly Trial[], random: RandomGenerator): Surface {
  const { space, finished, pending } = context;
  const values = known.map(({ value }) => value ?? 0);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  // Constant liar (Ginsbourger, Le Riche and Carraro 2010): a running trial counts as an average one, so that the next
  // goes elsewhere; a failed one counts as the worst, so that its surroundings are avoided.
  const lies = [
    ...finished.filter(({ value }) => value === undefined).map((trial) => ({ trial, value: Math.min(...values) })),
    ...pending.map((trial) => ({ trial, value: mean })),
  ];
  const real = { points: known.map(({ point }) => featuresAt(space, unitOf(space, point))), values };
  const objective = processOf(
    space,
    real,
    {
      points: lies.map(({ trial }) => featuresAt(space, unitOf(space, trial.point))),
      values: lies.map((lie) => lie.value),
    },
    random.fork('objective'),
  );
  const constraints = constraintProcesses(space, known, random);
  const feasible = known.map((trial) => (trial.constraints ?? []).every((excess) => excess <= 0));
  // The best of the process's own estimates: the largest of noisy values would be a lucky one.
  const estimates = real.points.map((_, index) => objective.process.meanAt(index));
  const best = Math.max(...estimates.filter((_, index) => feasible[index]));

  const parts = [
    ...(Number.isFinite(best) ? [{ ...objective, acquire: logExpectedImprovement, threshold: best }] : []),
    ...constraints.map((one) => ({ ...one, acquire: logFeasibility })),
  ];
  const deviationOf = (variance: number) => Math.sqrt(Math.max(variance, 1e-12));
  const height = (features: Float64Array) =>
    parts.reduce((sum, { process, acquire, threshold }) => {
      const { mean, variance } = process.predict(features);
      return sum + acquire(mean, deviationOf(variance), threshold).value;
    }, 0);
  const slope = (features: Float64Array) => {
    let value = 0;
    const gradient = new Float64Array(features.length);
    for (const { process, acquire, threshold } of parts) {
      const predicted = process.predictWithGradient(features);
      const deviation = deviationOf(predicted.variance);
      const acquired = acquire(predicted.mean, deviation, threshold);
      value += acquired.value;
      for (let j = 0; j < gradient.length; j++)
        gradient[j] =
          (gradient[j] ?? 0) +
          acquired.byMean * (predicted.meanGradient[j] ?? 0) +
          (acquired.byDeviation * (predicted.varianceGradient[j] ?? 0)) / (2 * deviation);
    }
    return { value, gradient };
  };
  return { height, slope };
}

function constraintProcesses(space: Space, known: readonly Trial[], random: RandomGenerator) {
  const count = known[0]?.constraints?.length ?? 0;
  const points = known.map(({ point }) => featuresAt(space, unitOf(space, point)));
  return Array.from({ length: count }, (_, number) => {
    const values = known.map(({ constraints }) => constraints?.[number] ?? 0);
    const { process, standardize } = processOf(
      space,
      { points, values },
      { points: [], values: [] },
      random.fork(number),
    );
    return { process, threshold: standardize(0) };
  });
}

interface Sample {
  points: Float64Array[];
  values: number[];
}

/** A process over standardised values: hyperparameters from the real ones, then conditioned on the lies as well. */
function processOf(
  space: Space,
  real: Sample,
  lies: Sample,
  random: RandomGenerator,
): { process: GaussianProcess; standardize: (value: number) => number } {
  const mean = real.values.reduce((sum, value) => sum + value, 0) / real.values.length;
  const squares = real.values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / real.values.length;
  const scale = Math.sqrt(squares) || 1;
  const standardize = (value: number) => (value - mean) / scale;
  const groups = featureDimensions(space);
  const fitted = choiceOf(real, random.fork('choice'));
  const hyperparameters = fitHyperparameters(
    { points: fitted.points, values: fitted.values.map(standardize), groups },
    { random, restarts: RESTARTS, maxEvaluations: fitted.points.length > 50 ? 16 : 30, prior: true },
  );
  const points = [...real.points, ...lies.points];
  const values = [...real.values, ...lies.values].map(standardize);
  return { process: condition({ points, values, groups }, hyperparameters), standardize };
}

/** The best half of what may be fitted, and a random choice of the rest. */
function choiceOf({ points, values }: Sample, random: RandomGenerator): Sample {
  if (points.length <= FIT_AT_MOST) return { points, values };
  const order = [...values.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
  const rest = random.shuffle(order.splice(FIT_AT_MOST / 2));
  const chosen = new Set([...order, ...rest.slice(0, FIT_AT_MOST / 2)]);
  return {
    points: points.filter((_, index) => chosen.has(index)),
    values: values.filter((_, index) => chosen.has(index)),
  };
}

function ranked(
  space: Space,
  units: readonly Float64Array[],
  surface: Surface,
): { unit: Float64Array; value: number }[] {
  return units
    .map((unit) => ({ unit, value: surface.height(featuresAt(space, unit)) }))
    .sort((a, b) => b.value - a.value);
}

function candidatesOf({ space }: SamplerContext, known: readonly Trial[], random: RandomGenerator): Float64Array[] {
  const sequence = haltonSequence(space.length, random);
  const candidates = Array.from({ length: QUASI_RANDOM_CANDIDATES }, (_, index) => sequence(index));
  const best = known.toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0)).slice(0, NEAR.trials);
  for (const { point } of best) {
    const centre = unitOf(space, point);
    for (let index = 0; index < NEAR.each; index++) {
      const spread = NEAR.spreads[index % NEAR.spreads.length] ?? 0.1;
      const moved = centre.map((value) => {
        // Some coordinates stay where they are: good points are often good in a few dimensions only.
        const step = random.next() < 0.5 ? spread * random.normal() : 0;
        return Math.min(1 - 1e-9, Math.max(0, value + step));
      });
      candidates.push(moved);
    }
  }
  return candidates;
}
