/** How much a point promises, from what a Gaussian process says of it. The objective is maximised. */

import { logDistribution, logImprovement } from './normal.js';

/** A function of a normal distribution, with its derivatives by the mean and the standard deviation. */
export interface Acquired {
  value: number;
  byMean: number;
  byDeviation: number;
}

/** E[max(0, f − best)] for f ~ N(mean, deviation²) (Jones, Schonlau and Welch 1998). */
export function expectedImprovement(mean: number, deviation: number, best: number): number {
  if (deviation <= 0) return Math.max(0, mean - best);
  return Math.exp(logExpectedImprovement(mean, deviation, best).value);
}

/** Its logarithm, finite and with useful derivatives also where the improvement itself vanishes (Ament et al. 2023). */
export function logExpectedImprovement(mean: number, deviation: number, best: number): Acquired {
  const { value, cdfRatio, pdfRatio } = logImprovement((mean - best) / deviation);
  return { value: Math.log(deviation) + value, byMean: cdfRatio / deviation, byDeviation: pdfRatio / deviation };
}

/** log P(c ≤ limit) for c ~ N(mean, deviation²). */
export function logFeasibility(mean: number, deviation: number, limit: number): Acquired {
  const z = (limit - mean) / deviation;
  const { value, slope } = logDistribution(z);
  return { value, byMean: -slope / deviation, byDeviation: (-slope * z) / deviation };
}

/**
 * The logarithm of the constrained expected improvement (Gardner et al., "Bayesian Optimization with Inequality
 * Constraints", 2014): the improvement, times the probability that every constraint holds. Without a feasible point so
 * far (`best` undefined), the probability alone.
 */
export function logConstrainedImprovement(
  objective: { mean: number; deviation: number },
  best: number | undefined,
  constraints: readonly { mean: number; deviation: number; limit: number }[],
): number {
  const improvement = best === undefined ? 0 : logExpectedImprovement(objective.mean, objective.deviation, best).value;
  return constraints.reduce(
    (sum, { mean, deviation, limit }) => sum + logFeasibility(mean, deviation, limit).value,
    improvement,
  );
}
