/**
 * The standard normal distribution, and the improvement function of it, in forms that hold their relative precision far
 * into the lower tail. The tail comes from the continued fraction of Mills' ratio, Φ(−t)/φ(t) = 1/(t + 1/(t + 2/(t + …)))
 * (Abramowitz and Stegun 26.2.14), the middle from the series of Marsaglia, "Evaluating the Normal Distribution", 2004.
 */

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

export function logDensity(z: number): number {
  return -0.5 * z * z - HALF_LOG_2PI;
}

/** c in Φ(−t)/φ(t) = 1/(t + c), for t ≥ 1. */
function tail(t: number): number {
  // Enough terms for full precision: about 200 at t = 1, a few far out.
  const terms = Math.ceil(10 + 190 / (t * t));
  let c = 0;
  for (let k = terms; k >= 1; k--) c = k / (t + c);
  return c;
}

/** Φ(z). */
export function distribution(z: number): number {
  if (z < -1) return Math.exp(logDensity(z)) / (-z + tail(-z));
  if (z > 1) return 1 - distribution(-z);
  let term = z;
  let sum = z;
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) {
    term *= (z * z) / k;
    sum += term;
  }
  return 0.5 + Math.exp(logDensity(z)) * sum;
}

/** log Φ(z), and its derivative φ/Φ. */
export function logDistribution(z: number): { value: number; slope: number } {
  if (z < -1) {
    const ratio = -z + tail(-z);
    return { value: logDensity(z) - Math.log(ratio), slope: ratio };
  }
  const cdf = distribution(z);
  return { value: Math.log(cdf), slope: Math.exp(logDensity(z)) / cdf };
}

/**
 * log h(z), h(z) = φ(z) + z·Φ(z), the expected improvement of a unit normal (Ament et al., "Unexpected Improvements to
 * Expected Improvement for Bayesian Optimization", 2023), with Φ/h and φ/h, of which its derivatives are made.
 */
export function logImprovement(z: number): { value: number; cdfRatio: number; pdfRatio: number } {
  if (z < -1) {
    // 1 − t/(t + c) = c/(t + c): nothing cancels.
    const c = tail(-z);
    return { value: logDensity(z) + Math.log(c / (c - z)), cdfRatio: 1 / c, pdfRatio: (c - z) / c };
  }
  const pdf = Math.exp(logDensity(z));
  const cdf = distribution(z);
  const h = pdf + z * cdf;
  return { value: Math.log(h), cdfRatio: cdf / h, pdfRatio: pdf / h };
}
